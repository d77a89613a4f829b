package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// The bounds of the server: it is small, and for one person.
const (
	maxStreams  = 100     // streams at once
	maxAsk      = 1 << 20 // bytes of a request's body
	askTimeout  = 10 * time.Second
	maxReplay   = 1000 // events that a client who comes back gets at once
	defaultAddr = "127.0.0.1:8787"
)

//go:embed page.html
var page string

// serve runs a server of streams for people who write clients.
func serve(ctx context.Context, args []string, std stdio) int {
	addr := defaultAddr
	switch {
	case len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		addr = args[0]
	case len(args) > 0:
		return usage(std, "serve takes one argument, an address such as 8787 or 0.0.0.0:8787")
	}
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr // another address only if it is told
	}
	if _, port, err := net.SplitHostPort(addr); err != nil || !isPort(port) {
		return usage(std, "serve: bad address; want a port, or host:port")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintf(std.err, "sse: serve: %s\n", message(err))
		return exitError
	}
	fmt.Fprintf(std.out, "serving http://%s/ (Ctrl-C ends it)\n"+
		"  /events /flaky /slow /big /weird /llm (also by POST, to /v1/chat/completions and /v1/messages)\n", l.Addr())
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		fmt.Fprintln(std.err, "sse: others than this machine can reach it")
	}
	server := &http.Server{
		Handler:           newStreams(time.Now(), std.err),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err = server.Serve(l)
	if sig := (interrupted{}); errors.As(context.Cause(ctx), &sig) {
		_, _, code := (&session{}).ending(sig)
		return code
	}
	fmt.Fprintf(std.err, "sse: serve: %s\n", message(err))
	return exitError
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// streams is the server's handler.
type streams struct {
	mux   http.ServeMux
	start time.Time
	slots chan struct{}
	flaky atomic.Int64

	mu  sync.Mutex
	log io.Writer
}

func newStreams(start time.Time, log io.Writer) *streams {
	s := &streams{start: start, slots: make(chan struct{}, maxStreams), log: log}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "text/event-stream" {
			s.events(&stream{w: w, r: r})
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:")
		io.WriteString(w, page)
	})
	for path, f := range map[string]func(*stream){
		"GET /events": s.events, "GET /flaky": s.unsteady, "GET /slow": s.slow, "GET /big": s.big, "GET /weird": s.weird,
		"GET /llm": s.llm, "POST /llm": s.llm, "POST /v1/chat/completions": s.llm, "POST /v1/messages": s.llm,
	} {
		s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { f(&stream{w: w, r: r}) })
	}
	return s
}

// ServeHTTP lets any page read the streams, as nothing in them is secret,
// and no more clients at once than there are slots.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Headers", "*, Authorization")
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		h.Set("Retry-After", "5")
		http.Error(w, "too many streams at once", http.StatusServiceUnavailable)
		return
	}
	line := time.Now().Format("15:04:05") + " " + r.Method + " " + escape(r.URL.Path)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		line += " after id " + escape(id)
	}
	s.mu.Lock()
	fmt.Fprintln(s.log, line)
	s.mu.Unlock()
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(askTimeout))
	rc.SetWriteDeadline(time.Now().Add(askTimeout)) // until a Writer sets its own
	r.Body = http.MaxBytesReader(w, r.Body, maxAsk)
	s.mux.ServeHTTP(w, r)
}

// ticks sends the events of a series that has one every pace since the
// server began, and so needs no storage to replay: those after the client's
// last one, then each in its time, until f returns false.
func (s *streams) ticks(st *stream, pace time.Duration, f func(n int) bool) {
	now := func() int { return int(time.Since(s.start) / pace) }
	n := max(now(), 1)
	if last, err := strconv.Atoi(st.r.Header.Get("Last-Event-ID")); err == nil && last >= 0 && last <= now() {
		if n = last + 1; n < now()-maxReplay {
			n = now() - maxReplay
			st.comment("events before " + strconv.Itoa(n) + " are gone")
		}
	}
	for ; st.pause(time.Until(s.start.Add(time.Duration(n) * pace))); n++ {
		if !f(n) {
			return
		}
	}
}

func (s *streams) tick(n int, pace time.Duration) sse.Event {
	at := s.start.Add(time.Duration(n) * pace).UTC().Format(time.RFC3339Nano)
	ev := sse.Event{ID: strconv.Itoa(n), Type: "tick", Data: fmt.Sprintf(`{"n":%d,"at":%q}`, n, at)}
	if n%5 == 0 {
		ev.Type, ev.Data = "message", "event "+ev.ID+" has no type,\nand two lines"
	}
	return ev
}

// events ticks once a second.
func (s *streams) events(st *stream) {
	st.start()
	st.retry(2 * time.Second)
	s.ticks(st, time.Second, func(n int) bool {
		st.event(s.tick(n, time.Second))
		return true
	})
}

// unsteady ticks twice a second, and breaks off after a few events in a
// different way each time.
func (s *streams) unsteady(st *stream) {
	const pace = time.Second / 2
	connection := s.flaky.Add(1)
	if connection%4 == 3 {
		st.w.Header().Set("Retry-After", "1")
		http.Error(st.w, "down for a moment", http.StatusServiceUnavailable)
		return
	}
	st.start()
	st.retry(500 * time.Millisecond)
	left := 3 + connection%4
	s.ticks(st, pace, func(n int) bool {
		ev := s.tick(n, pace)
		if left--; left >= 0 {
			st.event(ev)
			return true
		}
		if connection%4 != 0 { // else a clean end, between two events
			st.part(ev)
		}
		if connection%4 == 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
}

// slow sends an event every few seconds, twenty bytes a second.
func (s *streams) slow(st *stream) {
	st.start()
	for n := 1; ; n++ {
		b, _ := sse.Event{ID: strconv.Itoa(n), Data: "this event came a byte at a time"}.Append(nil)
		for _, c := range b {
			if !st.pause(bytePace) {
				return
			}
			st.raw(string(rune(c)))
		}
	}
}

// big sends events of growing size, 10 MiB in all, and ends with 204.
func (s *streams) big(st *stream) {
	if st.r.Header.Get("Last-Event-ID") == "5" {
		st.w.WriteHeader(http.StatusNoContent)
		return
	}
	st.start()
	for i, size := range []int{1 << 10, 64 << 10, 1 << 20, 8 << 20} {
		st.event(sse.Event{ID: strconv.Itoa(i + 1), Type: "line", Data: strings.Repeat("0123456789abcdef", size/16)})
	}
	st.event(sse.Event{ID: "5", Type: "lines", Data: strings.Repeat("a line of sixty-four bytes, one of many that make up this event\n", 1<<14)})
}

// weirdStream is every odd corner of the standard's section on parsing. Each
// event's data says what it shows.
const weirdStream = "\ufeff:a byte order mark was before this comment\n" +
	"data: this event ends with carriage returns alone\r\r" +
	"data: and this one with CRLF\r\n\r\n" +
	"data:no space after the colon\n\n" +
	"data:  of two spaces one is dropped\n\n" +
	"data:\ta tab is not\n\n" +
	"data\n\n" + // a field without a colon: an event without data
	"data: a line ends at CR,\rdata: at CRLF,\r\ndata: and at LF\n\n" +
	"data: not at U+0085 (\u0085), U+2028 (\u2028), VT (\v) or FF (\f)\n\n" +
	"event: nobody sees this type\n\n" + // no data, no event; the type is forgotten
	"data: the type of the block before is forgotten\n\n" +
	"event: odd type: with a colon\ndata: a type may hold nearly anything\n\n" +
	"id: id with spaces \ndata: so may an id; its space at the end stays\n\n" +
	"data: an id stays until the next one\n\n" +
	"id: bad\x00id\ndata: an id with NUL in it is ignored\n\n" +
	"id: id-only\n\n" +
	"data: the block before had only an id, and it counts\n\n" +
	"id\ndata: an empty id resets it\n\n" +
	"Data: no\ndata : no\n data: no\nunknown: no\nno field at all\ndata: names are exact, the rest is ignored\n\n" +
	"data: NUL (\x00) stays, invalid bytes (\xff \xc3( \xed\xa0\x80) become U+FFFD\n\n" +
	"retry: 1s\nretry: -1\nretry:\nretry: 2000\ndata: only one of the four retry fields counted\n\n" +
	"data: control characters: \x1b[31mred?\x1b[m \x07 \x7f \u009b31m \u202eesrever\n\n" +
	": a comment \xff\n:\n::\n" +
	"id: end\ndata: the next one is cut off, and must not be seen\n\n" +
	"data: this must not be seen"

func (s *streams) weird(st *stream) {
	if st.r.Header.Get("Last-Event-ID") == "end" {
		st.w.WriteHeader(http.StatusNoContent)
		return
	}
	st.start()
	st.raw(weirdStream)
}

// llm answers as a language model does, in OpenAI's shape or Anthropic's.
func (s *streams) llm(st *stream) {
	anthropic := st.r.URL.Path == "/v1/messages" || st.r.URL.Query().Get("shape") == "anthropic"
	prompt, err := ask(st.r)
	if err != nil {
		st.w.Header().Set("Content-Type", "application/json")
		st.w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(st.w).Encode(map[string]any{"error": map[string]string{"type": "invalid_request_error", "message": err.Error()}})
		return
	}
	answer := "There is no model here, but this is how an answer arrives: word by word, each in an event of its own."
	if prompt != "" {
		answer = fmt.Sprintf("You asked %q. ", prompt) + answer
	}
	words := strings.SplitAfter(answer, " ")
	st.start()
	if anthropic {
		st.anthropic(words)
	} else {
		st.openAI(words)
	}
}

// ask reads the question: q in the query, or the last message of a body.
func ask(r *http.Request) (string, error) {
	q := r.URL.Query().Get("q")
	if r.Method == http.MethodPost {
		var body struct {
			Messages []struct{ Content json.RawMessage }
			Stream   *bool
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return "", errors.New("the body can't be read, or is too large")
		}
		if len(b) > 0 {
			if err := json.Unmarshal(b, &body); err != nil {
				return "", fmt.Errorf("the body is not the JSON of a request: %v", err)
			}
		}
		if body.Stream != nil && !*body.Stream {
			return "", errors.New("only streams are served here: send \"stream\": true")
		}
		if n := len(body.Messages); n > 0 {
			json.Unmarshal(body.Messages[n-1].Content, &q) // content in parts is not quoted
		}
	}
	if r := []rune(q); len(r) > 80 {
		q = string(r[:80]) + "…"
	}
	return q, nil
}

// The paces at which words and bytes come.
var (
	wordPace = 40 * time.Millisecond
	bytePace = time.Second / 20
)

func (st *stream) openAI(words []string) {
	chunk := func(delta map[string]string, finish any) {
		st.json("", map[string]any{
			"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": time.Now().Unix(), "model": "sse-demo",
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
		})
	}
	chunk(map[string]string{"role": "assistant", "content": ""}, nil)
	for _, w := range words {
		if !st.pause(wordPace) {
			return
		}
		chunk(map[string]string{"content": w}, nil)
	}
	chunk(map[string]string{}, "stop")
	st.event(sse.Event{Data: "[DONE]"})
}

func (st *stream) anthropic(words []string) {
	type object = map[string]any
	st.json("message_start", object{"message": object{"id": "msg_demo", "type": "message", "role": "assistant", "model": "sse-demo",
		"content": []any{}, "stop_reason": nil, "stop_sequence": nil, "usage": object{"input_tokens": 1, "output_tokens": 1}}})
	st.json("content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}})
	st.json("ping", object{})
	for _, w := range words {
		if !st.pause(wordPace) {
			return
		}
		st.json("content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": w}})
	}
	st.json("content_block_stop", object{"index": 0})
	st.json("message_delta", object{"delta": object{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": object{"output_tokens": len(words)}})
	st.json("message_stop", object{})
}

// json sends v as an event; a type is named in the data too, as Anthropic does.
func (st *stream) json(typ string, v map[string]any) {
	if typ != "" {
		v["type"] = typ
	}
	b, err := json.Marshal(v)
	if err != nil {
		st.err = err
		return
	}
	st.event(sse.Event{Type: typ, Data: string(b)})
}
