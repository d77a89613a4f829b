package term

import (
	"io"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
)

// A View shows a run to a person: each event with its time and the gap before it, what happens to
// the connection, and on a terminal a status line at the bottom. Everything that is written to the
// terminal while a View is open must go through it.
type View struct {
	Full  bool // nothing is cut
	Quiet bool // only events are shown

	out       io.Writer
	stderr    io.Writer // where Write writes
	stats     *stats.Stats
	width     func() int
	color     bool
	hasStatus bool // there is a status line

	stopRedraw func() // ends the goroutine that redraws the status line, if there is one

	mu    sync.Mutex
	buf   []byte // what is to be written to out
	drawn bool   // the status line is on the screen
	state state
	until time.Time // in the state waiting: when the wait ends
	ended bool
}

// NewView returns a View that writes to out, and whose Write writes to stderr. The status line
// shows what stats has counted.
func NewView(out, stderr io.Writer, stats *stats.Stats, info Info) *View {
	return &View{
		out:       out,
		stderr:    stderr,
		stats:     stats,
		width:     info.width,
		color:     info.Color,
		hasStatus: info.canMoveCursor,
	}
}

const redrawInterval = 200 * time.Millisecond

// Start begins to redraw the status line regularly. Full and Quiet must be set before.
func (v *View) Start() {
	v.hasStatus = v.hasStatus && !v.Quiet
	if !v.hasStatus {
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

// Close removes the status line for good. It returns nil.
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

// Write writes p, which must consist of whole lines, to standard error above the status line.
func (v *View) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.flush()
	n, err := v.stderr.Write(p)
	v.appendStatus()
	v.flush()
	return n, err
}

// printLines writes lines above the status line, with a single Write.
func (v *View) printLines(lines ...[]Span) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	for _, l := range lines {
		v.buf = append(appendSpans(v.buf, v.color, l), '\n')
	}
	v.appendStatus()
	return v.flush()
}

// redraw draws the status line again.
func (v *View) redraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.hasStatus && !v.ended {
		v.clear()
		v.appendStatus()
		v.flush()
	}
}

// clear appends to buf what removes the status line from the screen.
func (v *View) clear() {
	if v.drawn {
		v.buf = append(v.buf, "\r\x1b[K"...)
		v.drawn = false
	}
}

// flush writes buf.
func (v *View) flush() error {
	_, err := v.out.Write(v.buf)
	v.buf = v.buf[:0]
	if cap(v.buf) > 1<<20 {
		v.buf = nil // do not keep the memory of a huge event
	}
	return err
}
