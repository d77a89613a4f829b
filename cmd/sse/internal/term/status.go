package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A state is the state of the connection. The status line begins with it.
type state string

const (
	stateNone       state = "" // before the first attempt, there is no status line
	stateConnecting state = "connecting"
	stateOpen       state = "open"
	stateWaiting    state = "waiting"
)

// setState sets the state. The status line shows it when it is drawn again.
func (v *View) setState(s state) {
	v.mu.Lock()
	v.state = s
	v.mu.Unlock()
}

// appendStatus appends the status line to buf.
func (v *View) appendStatus() {
	if !v.hasStatus || v.ended || v.state == stateNone {
		return
	}
	now := time.Now()
	style, text := Yellow, string(v.state)
	switch v.state {
	case stateOpen:
		style = green
	case stateWaiting:
		left := max(v.until.Sub(now).Seconds(), 0)
		text = fmt.Sprintf("connecting again in %.1fs", left)
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
	line := []Span{{style, "● " + text}, {Dim, "  " + strings.Join(parts, "  ")}}
	line = cutLine(line, v.width()-3) // leave room for the ^C that the terminal writes
	v.buf = appendSpans(v.buf, v.color, line)
	v.drawn = true
}

// steadyDuration formats d for a line that is redrawn often: the width of the text seldom changes.
func steadyDuration(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", max(d.Seconds(), 0))
	}
	return units.Duration(d)
}
