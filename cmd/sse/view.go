package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A view is what a person sees: each event with its time and gap, what
// happens to the connection, and, on a terminal, a status line that stays at
// the bottom. All that is written to the terminal goes through it.
type view struct {
	out      io.Writer
	err      io.Writer // where Write writes
	stats    *stats
	terminal bool // out is one
	color    bool
	full     bool // nothing is cut
	bottom   bool // there is a status line
	quiet    bool // events only
	width    func() int

	mu    sync.Mutex
	buf   []byte
	shown bool      // the status line is on the screen
	state string    // what the status line begins with
	wait  time.Time // while waiting: until when
	ended bool
}

// A span is a piece of a line in one style.
type span struct{ style, text string }

// Styles are the parameters of the terminal's SGR sequence.
const (
	plain   = ""
	dim     = "2"
	bold    = "1"
	red     = "31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
)

// maxLines is how many lines of one event are shown unless all are asked for.
const maxLines = 40

// lines writes whole lines above the status line, with one write.
func (v *view) lines(lines ...[]span) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	for _, l := range lines {
		v.spans(l)
		v.buf = append(v.buf, '\n')
	}
	v.status(time.Now())
	return v.flush()
}

// Write passes diagnostics on to standard error, above the status line. p is
// whole lines.
func (v *view) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.flush()
	n, err := v.err.Write(p)
	v.status(time.Now())
	v.flush()
	return n, err
}

// redraw draws the status line again.
func (v *view) redraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.bottom && !v.ended {
		v.clear()
		v.status(time.Now())
		v.flush()
	}
}

// end takes the status line away for good.
func (v *view) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.flush()
	v.ended = true
}

func (v *view) clear() {
	if v.shown {
		v.buf = append(v.buf, "\r\x1b[K"...)
		v.shown = false
	}
}

func (v *view) flush() error {
	_, err := v.out.Write(v.buf)
	v.buf = v.buf[:0]
	if cap(v.buf) > 1<<20 {
		v.buf = nil
	}
	return err
}

func (v *view) spans(line []span) {
	for _, s := range line {
		if v.color && s.style != plain {
			v.buf = append(append(append(v.buf, "\x1b["...), s.style...), 'm')
			v.buf = append(append(v.buf, s.text...), "\x1b[m"...)
		} else {
			v.buf = append(v.buf, s.text...)
		}
	}
}

func (v *view) status(now time.Time) {
	if !v.bottom || v.ended || v.state == "" {
		return
	}
	s := v.stats
	s.mu.Lock()
	style, state := green, v.state
	if v.state == "waiting" {
		style, state = yellow, fmt.Sprintf("connecting again in %.1fs", max(v.wait.Sub(now).Seconds(), 0))
	} else if v.state != "open" {
		style = yellow
	}
	parts := []string{units.Plural(s.events, "event"), fmt.Sprintf("%.1f/s", s.rate(now)), units.Bytes(s.bytes)}
	if !s.opened.IsZero() {
		parts = append(parts, "up "+seconds(now.Sub(s.opened)))
	}
	if s.retries > 0 {
		parts = append(parts, units.Plural(s.retries, "reconnect"))
	}
	if s.events > 0 {
		parts = append(parts, "last "+seconds(now.Sub(s.last))+" ago")
	}
	s.mu.Unlock()
	line := []span{{style, "● " + state}, {dim, "  " + strings.Join(parts, "  ")}}
	v.spans(cutLine(line, v.width()-3)) // room for the ^C that the terminal itself writes
	v.shown = true
}

// seconds is a duration for a line that is drawn often: it keeps its width.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", max(d.Seconds(), 0))
	}
	return units.Duration(d)
}

func (v *view) setState(state string) {
	v.mu.Lock()
	v.state = state
	v.mu.Unlock()
}

// run keeps the status line fresh until the function it returns is called.
func (v *view) run() (stop func()) {
	if !v.bottom {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
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
	return func() {
		close(done)
		wg.Wait()
		v.end()
	}
}
