package term

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A View shows a run to a person: each event with its time and the gap before it, what happens to
// the connection, and on a terminal a status line at the bottom. Everything that is written to the
// terminal while a view is open must go through it.
type View struct {
	out    io.Writer
	err    io.Writer // where Write writes
	stats  *stats.Stats
	width  func() int
	color  bool
	bottom bool // there is a status line
	Full   bool // nothing is cut
	Quiet  bool // only events are shown

	stopRedraw func() // ends the goroutine that redraws the status line, if there is one

	mu    sync.Mutex
	buf   []byte
	drawn bool      // the status line is on the screen
	state string    // how the status line begins; "" before the first attempt
	until time.Time // in the state waiting: when the wait ends
	ended bool
}

// NewView returns a view that writes to out, and whose Write writes to err.
func NewView(out, err io.Writer, stats *stats.Stats, info Info) *View {
	return &View{
		out:    out,
		err:    err,
		stats:  stats,
		width:  info.width,
		color:  info.Color,
		bottom: info.canMoveCursor,
	}
}

// Start begins to redraw the status line regularly.
func (v *View) Start() {
	v.bottom = v.bottom && !v.Quiet
	if !v.bottom {
		return
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(redrawInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				v.redraw()
			case <-done:
				return
			}
		}
	})
	v.stopRedraw = func() {
		close(done)
		wg.Wait()
	}
}

const redrawInterval = 200 * time.Millisecond

// Close removes the status line for good.
func (v *View) Close() error {
	if v.stopRedraw == nil {
		return nil
	}
	v.stopRedraw()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.flush()
	v.ended = true
	return nil
}

// A Span is a piece of a line in one style.
type Span struct{ Style, Text string }

// Styled returns a Span.
func Styled(style, text string) Span { return Span{style, text} }

// Styles are the parameters of the terminal's SGR sequence.
const (
	Plain   = ""
	Dim     = "2"
	Bold    = "1"
	Red     = "31"
	green   = "32"
	Yellow  = "33"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
)

// maxLines is how many lines of one event are shown unless all are asked for.
const maxLines = 40

// lines writes whole lines above the status line, with one write.
func (v *View) lines(lines ...[]Span) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	for _, l := range lines {
		v.buf = append(appendSpans(v.buf, v.color, l), '\n')
	}
	v.status()
	return v.flush()
}

// Write passes diagnostics on to standard error, above the status line. p is
// whole lines.
func (v *View) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.flush()
	n, err := v.err.Write(p)
	v.status()
	v.flush()
	return n, err
}

// redraw draws the status line again.
func (v *View) redraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.bottom && !v.ended {
		v.clear()
		v.status()
		v.flush()
	}
}

func (v *View) clear() {
	if v.drawn {
		v.buf = append(v.buf, "\r\x1b[K"...)
		v.drawn = false
	}
}

func (v *View) flush() error {
	_, err := v.out.Write(v.buf)
	v.buf = v.buf[:0]
	if cap(v.buf) > 1<<20 {
		v.buf = nil
	}
	return err
}

// appendSpans appends the spans of a line to b.
func appendSpans(b []byte, color bool, line []Span) []byte {
	for _, s := range line {
		if color && s.Style != Plain {
			b = append(append(append(b, "\x1b["...), s.Style...), 'm')
			b = append(append(b, s.Text...), "\x1b[m"...)
		} else {
			b = append(b, s.Text...)
		}
	}
	return b
}

// PrintLines writes lines to w.
func PrintLines(w io.Writer, color bool, lines ...[]Span) error {
	var b []byte
	for _, line := range lines {
		b = append(appendSpans(b, color, line), '\n')
	}
	_, err := w.Write(b)
	return err
}

func (v *View) status() {
	if !v.bottom || v.ended || v.state == "" {
		return
	}
	now := time.Now()
	style, state := Yellow, v.state
	switch v.state {
	case StateOpen:
		style = green
	case stateWaiting:
		left := max(v.until.Sub(now).Seconds(), 0)
		state = fmt.Sprintf("connecting again in %.1fs", left)
	}
	s := v.stats.Snapshot(now)
	parts := []string{
		units.Plural(s.Events, "event"),
		fmt.Sprintf("%.1f/s", s.Rate),
		units.Bytes(s.Bytes),
	}
	if !s.Opened.IsZero() {
		parts = append(parts, "up "+steadyDuration(now.Sub(s.Opened)))
	}
	if s.Reconnects > 0 {
		parts = append(parts, units.Plural(s.Reconnects, "reconnect"))
	}
	if s.Events > 0 {
		parts = append(parts, "last "+steadyDuration(now.Sub(s.Last))+" ago")
	}
	line := []Span{{style, "● " + state}, {Dim, "  " + strings.Join(parts, "  ")}}
	line = cutLine(line, v.width()-3) // leave room for the ^C that the terminal writes
	v.buf = appendSpans(v.buf, v.color, line)
	v.drawn = true
}

// steadyDuration formats d for a line that is redrawn often: the text seldom changes its width.
func steadyDuration(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", max(d.Seconds(), 0))
	}
	return units.Duration(d)
}

func (v *View) SetState(state string) {
	v.mu.Lock()
	v.state = state
	v.mu.Unlock()
}
