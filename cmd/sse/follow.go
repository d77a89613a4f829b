package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A source is where events come from: a Stream or a Reader.
type source interface {
	Next() bool
	Event() sse.Event
	LastEventID() string
	Err() error
}

// An observer is told what happens to the connection. The view shows it all;
// beside a pipe, terse tells of what is amiss.
type observer interface {
	connecting(req *http.Request, first bool)
	opened(resp *http.Response, took time.Duration, id string)
	comment(text string)
	retry(d time.Duration)
	cut(err error, wait time.Duration)
	note(text string)
}

// Why a run ended, if neither the server nor an error ended it.
var (
	errCount = errors.New("count")
	errUntil = errors.New("until")
	errFor   = errors.New("for")
)

// errNoUntil is an end that came too early.
var errNoUntil = errors.New("the stream ended before what --until waits for")

// hintAfter is how long bytes may come without an event before that is said.
var hintAfter = 10 * time.Second

// A session is one run: a source, where its events go, and what is known.
type session struct {
	o      *options
	std    stdio
	stats  *stats
	watch  *watch
	obs    observer
	diag   io.Writer // standard error, past the view
	view   *view     // nil: the output is for programs
	emit   func(ev sse.Event, now time.Time, gap time.Duration) error
	finish func() error // ends the output
	raw    io.Writer    // --raw
	field  *fieldForm   // --field
	saver  *saver
	fail   context.CancelCauseFunc
	begin  func() // called when the stream is open

	seen      atomic.Int64 // events that came, shown or not
	explained atomic.Bool
}

// A tour watches a run from beside it.
type tour struct {
	event func(sse.Event)
	end   func(*stats)
}

// follow is the whole run, from the options to the exit code.
func follow(ctx context.Context, o *options, std stdio, tour *tour) int {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s := &session{o: o, std: std, stats: newStats(time.Now()), watch: new(watch), fail: fail, begin: func() {}}
	out := std.out
	if o.outFile != "" && o.outFile != "-" {
		mode := os.O_RDWR | os.O_CREATE // O_WRONLY waits for who reads a pipe
		if o.state != "" {
			mode |= os.O_APPEND // the state says that what is in it was kept
		}
		var err error
		if out, err = os.OpenFile(o.outFile, mode, 0o666); err != nil {
			return usage(std, fmt.Sprintf("-o %q: %v", o.outFile, reason(err)))
		}
		defer out.Close()
		if o.state == "" {
			s.begin = sync.OnceFunc(func() { out.Truncate(0) }) // a pipe can't be
		}
	}
	var t *tap
	if o.url != nil {
		base, err := o.transport()
		if err != nil {
			return usage(std, err.Error())
		}
		t = &tap{base: base}
	} else {
		t = &tap{}
		t.live.Store(true)
	}
	if o.state != "" {
		id, err := readState(o.state)
		if err != nil {
			return usage(std, fmt.Sprintf("--state %q: %v", o.state, err))
		}
		if id != "" {
			o.header.Set("Last-Event-ID", id)
		}
		s.saver = newSaver(o.state, id, fail)
	}
	stop := s.output(out)
	if s.view != nil {
		s.begin() // it shows more than events
	}
	t.stats, t.watch, t.raw, t.fail = s.stats, s.watch, s.raw, fail
	if o.verbose {
		t.v = s.diag
	}
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.length, errFor)
		defer cancel()
	}

	var src source
	var last error
	if o.url != nil {
		stream, err := s.stream(ctx, t, &last)
		if err != nil {
			stop()
			return usage(std, err.Error())
		}
		defer stream.Close()
		src = stream
	} else {
		src = s.input(ctx, t)
	}
	err := s.loop(src, tour)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if err == nil {
		err = cmp.Or(src.Err(), last)
		if err == nil && o.until != nil {
			err = errNoUntil
		}
	}
	code := s.conclude(err, src.LastEventID(), stop)
	if tour != nil {
		tour.end(s.stats)
	}
	return code
}

// output decides what the output looks like. The function it returns ends
// the output, and the status line.
func (s *session) output(out *os.File) (stop func()) {
	o := s.o
	look := lookOf(out, o.color, s.std.getenv)
	s.diag = s.std.err
	s.finish = func() error { return nil }
	s.obs = &terse{w: s.std.err, quiet: o.silent}
	if o.form == "view" || o.form == "" && (look.terminal || o.color == "always") {
		v := &view{out: out, err: s.std.err, stats: s.stats, color: look.color, full: o.full, quiet: o.silent, terminal: look.terminal, width: look.width}
		v.bottom = look.cursor && !o.silent
		s.view, s.obs, s.emit = v, v, v.event
		if _, ok := terminalWidth(s.std.err); ok {
			s.diag = v
		}
		s.watch.retry = v.retry
		return v.run()
	}
	var w io.Writer = out
	safe := &safeWriter{w: out}
	if look.terminal && o.form != "json" {
		w = safe
	}
	p := &printer{w: w}
	switch o.form {
	case "json":
		p.form = appendJSON
	case "data":
		p.form = appendData
	case "field":
		s.field = &fieldForm{path: o.field, note: func(text string) {
			if s.field.last != '\n' && s.field.found && !o.silent {
				io.WriteString(s.std.err, "\n") // the text is not finished
			}
			s.obs.note(text)
		}}
		p.form = s.field.form
	case "raw":
		s.raw = w
		p.form = func(b []byte, _ sse.Event) []byte { return b }
	default:
		p.form = appendLine
	}
	s.emit = func(ev sse.Event, _ time.Time, _ time.Duration) error { return p.print(ev) }
	s.finish = func() error {
		if s.field != nil && s.field.found && s.field.last != '\n' {
			io.WriteString(w, "\n")
		}
		return safe.flush()
	}
	return func() {}
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

// stream makes the stream that the options describe; what ends it for the
// sake of --no-reconnect is stored in last.
func (s *session) stream(ctx context.Context, t *tap, last *error) (*sse.Stream, error) {
	req, err := s.o.request(ctx)
	if err != nil {
		return nil, err
	}
	var (
		stream  *sse.Stream
		begun   time.Time
		hint    sync.Once
		first   = true
		waiting atomic.Bool // for the first headers
	)
	client := &sse.Client{
		HTTPClient:   &http.Client{Transport: t, Timeout: s.o.connectTimeout},
		IdleTimeout:  s.o.idle,
		MaxEventSize: s.o.maxEventSize,
		Prepare: func(req *http.Request) error {
			s.o.strip(req)
			s.obs.connecting(req, first)
			if first {
				waiting.Store(true)
				time.AfterFunc(hintAfter, func() {
					if waiting.Load() {
						s.obs.note("no answer so far: the server has sent no headers")
					}
				})
			}
			begun, first = time.Now(), false
			return nil
		},
		OnOpen: func(resp *http.Response) {
			now := time.Now()
			waiting.Store(false)
			s.begin()
			s.watch.reset()
			s.stats.open(now)
			t.live.Store(true)
			s.obs.opened(resp, now.Sub(begun), stream.LastEventID())
			hint.Do(func() { time.AfterFunc(hintAfter, s.explain) })
		},
		OnRetry: func(err error, wait time.Duration) {
			waiting.Store(false)
			s.explain()
			if s.o.noReconnect {
				if *last = err; err == io.EOF {
					*last = nil
				}
				stream.Close()
				return
			}
			s.stats.cut(cause(err))
			s.obs.cut(err, wait)
		},
	}
	if s.view != nil {
		client.OnComment = s.obs.comment
	}
	stream = client.Stream(req)
	return stream, nil
}

// input makes the source that reads standard input. Reads of a terminal or
// a pipe can't be broken off, so a goroutine is left to them.
func (s *session) input(ctx context.Context, t *tap) source {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.Copy(pw, s.std.in)
		pw.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { pr.CloseWithError(context.Cause(ctx)) })
	r := sse.NewReader(&tapped{pr, t})
	r.MaxEventSize = s.o.maxEventSize
	if s.view != nil {
		s.view.setState("open")
		r.OnComment = s.obs.comment
	}
	s.begin()
	time.AfterFunc(hintAfter, s.explain)
	return r
}

// loop prints events until there are no more, or enough: errCount, errUntil.
// Another error means that the output can't be written.
func (s *session) loop(src source, tour *tour) error {
	o := s.o
	for shown := 0; src.Next(); {
		now, ev := time.Now(), src.Event()
		s.seen.Add(1)
		enough := o.until != nil && ev.Data == *o.until
		if !enough && (o.types == nil || o.types[ev.Type]) {
			if err := s.emit(ev, now, s.stats.event(now, ev.Type)); err != nil {
				return outputError{err}
			}
			if tour != nil {
				tour.event(ev)
			}
			shown++
		}
		if s.saver != nil {
			s.saver.save(src.LastEventID())
		}
		if enough {
			return errUntil
		}
		if shown == o.count && o.count > 0 {
			return errCount
		}
	}
	return nil
}

type outputError struct{ error }

// explain says once why bytes, but no events, have come.
func (s *session) explain() {
	if s.seen.Load() > 0 {
		return
	}
	if why := s.watch.explain(); why != "" && !s.explained.Swap(true) {
		s.obs.note("no event so far: " + why)
	}
}

// conclude ends the output, says how the run ended, and returns the exit code.
func (s *session) conclude(err error, id string, stop func()) int {
	if s.saver != nil {
		if s.seen.Load() > 0 && !errors.As(err, new(outputError)) {
			s.saver.save(id) // a block with only an id may have come last
		}
		if serr := s.saver.close(); serr != nil {
			err = serr
		}
	}
	if !s.o.silent {
		s.explain()
	}
	stop()
	if ferr := s.finish(); ferr != nil && err == nil {
		err = outputError{ferr}
	}
	end, words, code := s.ending(err)
	if !s.o.silent {
		s.nothing()
	}
	if end == "error" {
		complain(s.std.err, err)
		words = cause(err)
	}
	switch {
	case s.o.summary == "json":
		s.stats.writeJSON(s.std.err, time.Now(), id, end, code)
	case s.o.summary == "text", s.o.summary == "" && s.view != nil && s.view.terminal && !s.o.silent:
		s.stats.writeText(s.std.err, time.Now(), id, words)
	}
	return code
}

// ending names how the run ended, for programs and for people.
func (s *session) ending(err error) (end, words string, code int) {
	var (
		sig interrupted
		re  *sse.ResponseError
		t   interface{ Timeout() bool }
	)
	switch {
	case err == nil && s.o.url == nil:
		return "input", "end of the input", exitDone
	case err == nil:
		return "server", "the server ended the stream", exitDone
	case err == errCount:
		return "count", plural(s.o.count, "event") + " (-n)", exitDone
	case err == errUntil:
		return "until", "--until", exitDone
	case err == errFor:
		return "for", "time is up (--for)", exitDone
	case errors.As(err, &sig) && sig.Signal == syscall.SIGTERM:
		return "terminated", "terminated", exitTerminated
	case errors.As(err, &sig):
		return "interrupted", "interrupted", exitInterrupted
	case errors.As(err, &re) && re.StatusCode != http.StatusOK:
		return "error", "", exitHTTP
	case errors.Is(err, sse.ErrIdleTimeout), errors.As(err, &t) && t.Timeout():
		return "error", "", exitTimeout
	}
	return "error", "", exitError
}

// nothing says why nothing was printed although events came.
func (s *session) nothing() {
	seen := s.seen.Load()
	if seen == 0 {
		return
	}
	s.stats.mu.Lock()
	shown := s.stats.events
	s.stats.mu.Unlock()
	switch {
	case shown == 0 && s.o.types != nil:
		fmt.Fprintf(s.std.err, "sse: of %s none was of the types asked for\n", plural(int(seen), "event"))
	case shown > 0 && s.field != nil && !s.field.found:
		fmt.Fprintf(s.std.err, "sse: no event had a field %s (of %s)\n", escape(s.o.path), plural(shown, "event"))
	}
}

// complain says what ended the run, with the server's own words if it had any.
func complain(w io.Writer, err error) {
	var re *sse.ResponseError
	if !errors.As(err, &re) {
		fmt.Fprintf(w, "sse: %s%s\n", detail(err), advice(err))
		return
	}
	if re.StatusCode == http.StatusOK {
		bare := *re
		bare.Body = nil
		fmt.Fprintf(w, "sse: no event stream: %s\n", message(&bare))
	} else {
		fmt.Fprintf(w, "sse: HTTP %s\n", escape(re.Status))
	}
	lines := strings.Split(strings.TrimSpace(string(re.Body)), "\n")
	for i, line := range lines {
		if i == 10 {
			fmt.Fprintln(w, "  …")
			break
		}
		line = strings.TrimRight(line, "\r")
		if len(line) > 1000 {
			line = line[:cutRune(line, 1000)] + "…"
		}
		if line != "" {
			fmt.Fprintf(w, "  %s\n", appendEscaped(nil, line, "\t"))
		}
	}
}

// detail says why a connection ended or failed; more than cause, on one line.
func detail(err error) string {
	var (
		re *sse.ResponseError
		ue *url.Error
	)
	switch {
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, sse.ErrIdleTimeout):
		return cause(err)
	case errors.As(err, &ue) && ue.Err == io.EOF:
		return "the server closed the connection without an answer"
	case errors.As(err, &re):
		text, _, _ := strings.Cut(strings.TrimSpace(string(re.Body)), "\n")
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '<' || re.StatusCode == http.StatusOK { // HTML says no more
			return cause(err)
		}
		return cause(err) + ": " + escape(text[:cutRune(text, 200)])
	case errors.As(err, &ue):
		return message(ue.Err)
	}
	return message(err)
}

// advice is what to do about an error.
func advice(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
	)
	if errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) {
		return " (--cacert FILE trusts another authority, -k any)"
	}
	if errors.Is(err, sse.ErrEventTooLarge) {
		return " (--max-event-size allows more)"
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return " (if an event was cut, it is not shown)"
	}
	return ""
}

// terse tells on standard error what is amiss, a line each.
type terse struct {
	w      io.Writer
	quiet  bool
	hinted bool
	open   bool // there has been a connection
}

func (t *terse) connecting(*http.Request, bool)               {}
func (t *terse) opened(*http.Response, time.Duration, string) { t.open = true }
func (t *terse) comment(string)                               {}
func (t *terse) retry(time.Duration)                          {}

func (t *terse) cut(err error, wait time.Duration) {
	hint := ""
	if !t.open && !t.hinted {
		t.hinted, hint = true, " (--no-reconnect ends instead)"
	}
	t.note(fmt.Sprintf("%s; connecting again in %s%s", detail(err), short(wait), hint))
}

func (t *terse) note(text string) {
	if !t.quiet {
		fmt.Fprintf(t.w, "sse: %s\n", text)
	}
}
