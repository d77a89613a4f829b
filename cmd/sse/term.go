package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse"
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
	parts := []string{plural(s.events, "event"), fmt.Sprintf("%.1f/s", s.rate(now)), byteSize(s.bytes)}
	if !s.opened.IsZero() {
		parts = append(parts, "up "+seconds(now.Sub(s.opened)))
	}
	if s.retries > 0 {
		parts = append(parts, plural(s.retries, "reconnect"))
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
	return short(d)
}

func (v *view) setState(state string) {
	v.mu.Lock()
	v.state = state
	v.mu.Unlock()
}

func clock(t time.Time) span { return span{dim, t.Format("15:04:05.000") + "  "} }

// event shows an event: on one line if it fits, else its data below.
func (v *view) event(ev sse.Event, now time.Time, gap time.Duration) error {
	head := []span{clock(now), {dim, fmt.Sprintf("%7s  ", "+"+short(gap))}, {bold, escape(ev.Type)}}
	if ev.ID != "" {
		head = append(head, span{plain, "  "}, span{cyan, "id " + escape(ev.ID)})
	}
	width := v.width()
	isJSON := ev.Data != "" && strings.IndexByte("{[", ev.Data[0]) >= 0 && json.Valid([]byte(ev.Data))
	if len(ev.Data) <= 2*width && !strings.Contains(ev.Data, "\n") {
		line := []span{{plain, escape(ev.Data)}}
		if isJSON {
			line = jsonLines(ev.Data, 0, 1)[0]
		} else if ev.Data == "" {
			line = []span{{dim, "(empty)"}}
		}
		if line = append(append(slices.Clip(head), span{plain, "  "}), line...); fits(line, width) {
			return v.lines(line)
		}
	}
	limit := maxLines
	if v.full {
		limit = len(ev.Data) + 1
	}
	var body [][]span
	if isJSON {
		body = jsonLines(ev.Data, max(width-4, 1), limit+1)
	} else {
		for l := range strings.SplitSeq(ev.Data, "\n") {
			if !v.full {
				l = l[:cutRune(l, perColumn*width+utf8.UTFMax)] // more than fits: the rest need not be looked at
			}
			body = append(body, []span{{plain, escape(strings.ReplaceAll(l, "\t", "    "))}})
			if len(body) > limit {
				break
			}
		}
	}
	more := len(body) > limit
	if more {
		body = body[:limit]
	}
	if !v.full {
		head = cutLine(head, width)
	}
	lines := [][]span{head}
	for _, l := range body {
		l = append([]span{{plain, "  "}}, l...)
		if !v.full {
			l = cutLine(l, width)
		}
		lines = append(lines, l)
	}
	if more {
		lines = append(lines, []span{{dim, "  … (" + byteSize(int64(len(ev.Data))) + "; --full shows all)"}})
	}
	return v.lines(lines...)
}

// The rest of what a view shows: what happens to the connection.

func (v *view) connecting(req *http.Request, first bool) {
	v.setState("connecting")
	if first && !v.quiet {
		v.lines([]span{clock(time.Now()), {yellow, "connecting"}, {dim, "  " + req.Method + " " + redact(req.URL)}})
	}
	v.redraw()
}

func (v *view) opened(resp *http.Response, took time.Duration, id string) {
	v.setState("open")
	if v.quiet {
		return
	}
	line := []span{clock(time.Now()), {green, "open  "}}
	if id != "" {
		line = append(line, span{dim, "resumed after id "}, span{cyan, escape(id)}, span{dim, " · "})
	}
	line = append(line, span{dim, fmt.Sprintf("%s · %s · %s · %s", escape(resp.Status),
		escape(resp.Header.Get("Content-Type")), resp.Proto, short(took))})
	if resp.Request != nil && resp.Request.Response != nil {
		line = append(line, span{dim, " · redirected to " + redact(resp.Request.URL)})
	}
	v.lines(v.fit(line))
}

func (v *view) comment(text string) {
	if !v.quiet {
		v.lines(v.fit([]span{clock(time.Now()), {dim, ":" + escape(text)}}))
	}
}

func (v *view) retry(d time.Duration) {
	if !v.quiet {
		v.lines([]span{clock(time.Now()), {dim, "retry " + short(d)}})
	}
}

func (v *view) cut(err error, wait time.Duration) {
	v.mu.Lock()
	what, style := "cut", red
	if err == io.EOF {
		what, style = "ended", yellow
	} else if v.state != "open" {
		what = "failed"
	}
	v.state, v.wait = "waiting", time.Now().Add(wait)
	v.mu.Unlock()
	if v.quiet {
		return
	}
	v.lines(v.fit([]span{clock(time.Now()), {style, what}, {plain, "  " + detail(err)}, {dim, " · connecting again in " + short(wait)}}))
}

func (v *view) note(text string) {
	if !v.quiet {
		v.lines([]span{clock(time.Now()), {yellow, text}})
	}
}

func (v *view) fit(line []span) []span {
	if v.full {
		return line
	}
	return cutLine(line, v.width())
}

// jsonLines lays valid JSON out in at most limit lines: what fits into the
// columns stays on one line, as people write it. Columns of 0 mean one line.
func jsonLines(s string, columns, limit int) [][]span {
	var lines [][]span
	var line []span
	depth, flat := 0, 0 // up to flat, all stays on this line
	if columns == 0 {
		flat = len(s)
	}
	put := func(style, text string) { line = append(line, span{style, text}) }
	turn := func() {
		lines = append(lines, line)
		// A server that nests a thousand deep gets no thousand columns.
		line = []span{{plain, strings.Repeat("  ", min(depth, 20))}}
	}
	for i := 0; i < len(s) && len(lines) < limit; {
		start := i
		i++
		switch c := s[start]; c {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			put(plain, string(c))
			if start < flat {
				break
			}
			if end := jsonEnd(s, start, columns-lineWidth(line)); end > 0 {
				flat = end
				break
			}
			depth++
			turn()
		case '}', ']':
			if start >= flat {
				depth--
				turn()
			}
			put(plain, string(c))
		case ',':
			put(plain, ",")
			if start < flat {
				put(plain, " ")
			} else {
				turn()
			}
		case ':':
			put(plain, ": ")
		case '"':
			i = stringEnd(s, start)
			style := green
			if rest := strings.TrimLeft(s[i:], " \t\r\n"); rest != "" && rest[0] == ':' {
				style = blue
			}
			put(style, escape(s[start:i]))
		default:
			for i < len(s) && strings.IndexByte(" \t\r\n,]}", s[i]) < 0 {
				i++
			}
			put(magenta, s[start:i])
		}
	}
	return append(lines, line)
}

// jsonEnd finds the end of the object or array that begins at s[i], or 0 if
// it takes more columns than there are.
func jsonEnd(s string, i, columns int) int {
	depth := 0
	for columns >= 0 && i < len(s) {
		c := s[i]
		switch c {
		case ' ', '\t', '\r', '\n':
			columns++
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':':
			columns--
		case '"':
			end := stringEnd(s, i)
			columns -= end - i - 1
			i = end - 1
		}
		columns--
		i++
	}
	return 0
}

// stringEnd is the index after the string that begins at s[i].
func stringEnd(s string, i int) int {
	for i++; s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// cutLine cuts a line to a number of columns, with … where something is
// missing.
func cutLine(line []span, columns int) []span {
	if fits(line, columns) {
		return line
	}
	room := perColumn * columns
	var cut []span
	left := columns - 1
	for _, s := range line {
		for i, r := range s.text {
			room -= utf8.RuneLen(r)
			if left -= runeWidth(r); left < 0 || room < 0 {
				return append(cut, span{s.style, s.text[:i] + "…"})
			}
		}
		cut = append(cut, s)
	}
	return cut
}

// perColumn is how many bytes a column may take: characters without a width
// would make a line without end.
const perColumn = 8

func fits(line []span, columns int) bool {
	bytes := 0
	for _, s := range line {
		bytes += len(s.text)
	}
	return bytes <= perColumn*columns && lineWidth(line) <= columns
}

func lineWidth(line []span) int {
	n := 0
	for _, s := range line {
		for _, r := range s.text {
			n += runeWidth(r)
		}
	}
	return n
}

// wide holds the scripts and symbols that take two columns.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x2614, 0x2615, 1}, {0x26a1, 0x26a1, 1},
		{0x2705, 0x2705, 1}, {0x2728, 0x2728, 1}, {0x274c, 0x274c, 1}, {0x2753, 0x2755, 1}, {0x2757, 0x2757, 1},
		{0x2795, 0x2797, 1}, {0x2b50, 0x2b50, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1},
		{0x4e00, 0x9fff, 1}, {0xa000, 0xa4cf, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1},
		{0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1f9ff, 1}, {0x1fa70, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// runeWidth is the number of columns that most terminals give to r.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// A look says how to show things where: from the files and the environment.
type look struct {
	terminal bool // standard output is a terminal
	cursor   bool // and it can move its cursor
	color    bool
	width    func() int
}

func lookOf(stdout *os.File, color string, getenv func(string) string) look {
	_, terminal := terminalWidth(stdout)
	l := look{terminal: terminal}
	l.cursor = terminal && getenv("TERM") != "dumb" && getenv("TERM") != ""
	l.color = color == "always" || color == "auto" && l.cursor && getenv("NO_COLOR") == ""
	l.width = func() int {
		if n, _ := terminalWidth(stdout); n > 0 {
			return n
		}
		if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
			return n
		}
		if !terminal {
			return 1 << 20 // nothing is cut in a file
		}
		return 80
	}
	return l
}
