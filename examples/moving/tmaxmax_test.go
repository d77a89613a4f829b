package moving

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	tmaxmax "github.com/tmaxmax/go-sse"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func beforeTmaxmax(
	ctx context.Context, url, token string, handle func(typ, data string),
) error {
	// snippet: tmaxmax-before
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	conn := tmaxmax.NewConnection(req)
	conn.SubscribeToAll(func(ev tmaxmax.Event) {
		handle(ev.Type, ev.Data)
	})
	return conn.Connect()
	// end
}

func afterTmaxmax(ctx context.Context, url, token string, handle func(typ, data string)) error {
	// snippet: tmaxmax-after
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &sse.Client{IdleTimeout: time.Minute}
	for ev, err := range client.Stream(req).All() {
		if err != nil {
			return err
		}
		handle(ev.Type, ev.Data)
	}
	return nil
	// end
}

func beforeTmaxmaxRead(body io.Reader, handle func(typ, data string)) error {
	// snippet: tmaxmax-read-before
	for ev, err := range tmaxmax.Read(body, nil) {
		if err != nil {
			return err
		}
		handle(ev.Type, ev.Data)
	}
	return nil
	// end
}

func afterTmaxmaxRead(body io.Reader, handle func(typ, data string)) error {
	// snippet: tmaxmax-read-after
	for ev, err := range sse.NewReader(body).All() {
		if err != nil {
			return err
		}
		handle(ev.Type, ev.Data)
	}
	return nil
	// end
}

func TestTmaxmaxEndsAt503(t *testing.T) {
	busy := ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable)}
	conn := ssetest.Conn{ssetest.Send(sse.Event{Data: "a"}), ssetest.Stall()}
	got, err := events(t, beforeTmaxmax, ssetest.NewServer(t, busy).URL, 1)
	if len(got) > 0 || err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("before: got %q, %v", got, err)
	}
	if got, _ := events(t, afterTmaxmax, ssetest.NewServer(t, busy, conn).URL, 1); len(got) != 1 {
		t.Errorf("after: got %q", got)
	}
}

func TestTmaxmaxForgetsTheCallersID(t *testing.T) {
	ended := ssetest.Conn{
		ssetest.WantHeader("Last-Event-ID", "42"),
		ssetest.Retry(time.Millisecond),
		ssetest.Send(sse.Event{Data: "a"}),
	}
	send := func(follow func(*http.Request) error, url string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", "42")
		follow(req)
	}
	send(func(req *http.Request) error {
		return tmaxmax.NewConnection(req).Connect()
	}, ssetest.NewServer(t, ended, ssetest.Conn{
		ssetest.WantNoHeader("Last-Event-ID"), ssetest.Status(http.StatusForbidden),
	}).URL)
	send(func(req *http.Request) error {
		stream := new(sse.Client).Stream(req)
		for stream.Next() {
		}
		return stream.Err()
	}, ssetest.NewServer(t, ended, ssetest.Conn{
		ssetest.WantHeader("Last-Event-ID", "42"), ssetest.Status(http.StatusForbidden),
	}).URL)
}

func TestTmaxmaxRepeatsAPost(t *testing.T) {
	ended := ssetest.Conn{ssetest.Retry(time.Millisecond), ssetest.Send(sse.Event{Data: "a"})}
	request := func(url string) *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
			strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	srv := ssetest.NewServer(t, ended, ssetest.Conn{ssetest.Status(http.StatusForbidden)})
	if err := tmaxmax.NewConnection(request(srv.URL)).Connect(); err == nil {
		t.Error("before: no error")
	}
	srv = ssetest.NewServer(t, ended)
	for _, err := range new(sse.Client).Stream(request(srv.URL)).All() {
		if err != nil {
			t.Errorf("after: %v", err)
		}
	}
}

func TestTmaxmaxRead(t *testing.T) {
	read := func(f func(io.Reader, func(typ, data string)) error, stream string) (string, error) {
		var got []string
		err := f(strings.NewReader(stream), func(typ, data string) {
			got = append(got, typ+" "+data)
		})
		return strings.Join(got, ","), err
	}
	for _, test := range []struct{ name, stream, before, after string }{
		{"no type", "data: a\n\n", " a", "message a"},
		{"no data", "event: ping\n\ndata: a\n\n", "ping , a", "message a"},
	} {
		before, err := read(beforeTmaxmaxRead, test.stream)
		if err != nil || before != test.before {
			t.Errorf("%s, before: got %q, %v", test.name, before, err)
		}
		after, err := read(afterTmaxmaxRead, test.stream)
		if err != nil || after != test.after {
			t.Errorf("%s, after: got %q, %v", test.name, after, err)
		}
	}

	const cut = "data: a\n\ndata: part of an event\n"
	if got, err := read(beforeTmaxmaxRead, cut); err != nil || got != " a, part of an event" {
		t.Errorf("cut, before: got %q, %v", got, err)
	}
	if got, err := read(afterTmaxmaxRead, cut); err != io.ErrUnexpectedEOF || got != "message a" {
		t.Errorf("cut, after: got %q, %v", got, err)
	}

	line, err := large.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(beforeTmaxmaxRead, string(line))
	if err == nil || !strings.Contains(err.Error(), "token too long") {
		t.Errorf("large, before: %v", err)
	}
	if _, err = read(afterTmaxmaxRead, string(line)); err != nil {
		t.Errorf("large, after: %v", err)
	}
}

// The callback is called for events of one type.
func TestTmaxmaxSubscribeEvent(t *testing.T) {
	conn := ssetest.Conn{
		ssetest.Send(sse.Event{Type: "ping", Data: "a"}, sse.Event{Type: "order", Data: "b"}),
		ssetest.Stall(),
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ssetest.NewServer(t, conn).URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	before := tmaxmax.NewConnection(req)
	before.SubscribeEvent("order", func(ev tmaxmax.Event) {
		got = append(got, ev.Data)
		cancel()
	})
	before.Connect()
	if !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %q", got)
	}
}
