package recording_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-0d85b69d/sse/internal/recording"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestTransportRecordsChunksAndGaps(t *testing.T) {
	got := record(t, ssetest.Conn{
		ssetest.Sleep(1500 * time.Millisecond),
		ssetest.Status(200, "Date", "now", "Set-Cookie", "a=s3cret", "Set-Cookie", "b=s3cret"),
		ssetest.Sleep(400 * time.Microsecond),
		ssetest.Raw("data: <é\x00\u2028>\n"), ssetest.Sleep(400 * time.Microsecond),
		ssetest.Raw("\xff\xfe"), ssetest.Sleep(400 * time.Microsecond),
		ssetest.Raw("\n"), ssetest.Sleep(time.Hour),
	}, readAll)
	want := `{"response":1,"version":1,"gap":1500,"method":"POST","url":"http://sse.test/a%20b",` +
		`"status":200,"header":{"Cache-Control":["no-cache"],` +
		`"Content-Type":["text/event-stream"],"Date":["now"],"Set-Cookie":["***","***"]}}
{"response":1,"gap":0,"text":"data: <é\u0000\u2028>\n"}
{"response":1,"gap":0,"base64":"//4="}
{"response":1,"gap":1,"text":"\n"}
{"response":1,"gap":3600000,"end":"eof"}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recording (-want +got):\n%s", diff)
	}
}

func TestTransportShortensLongGaps(t *testing.T) {
	got := record(t, ssetest.Conn{
		ssetest.Raw("a"), ssetest.Sleep(MaxGap + time.Hour), ssetest.Raw("b"),
	}, readAll)
	responses, err := Read(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if gap := responses[0].Chunks[1].Gap; gap != MaxGap {
		t.Errorf("the gap is %v, want %v", gap, MaxGap)
	}
}

func TestTransportRecordsEnd(t *testing.T) {
	data := ssetest.Raw("data: x\n\n")
	readSome := func(resp *http.Response) { resp.Body.Read(make([]byte, 100)) }
	tests := []struct {
		name string
		conn ssetest.Conn
		read func(resp *http.Response)
		want End
	}{
		{"eof", ssetest.Conn{data}, readAll, EOF},
		{"no body", ssetest.Conn{ssetest.Status(204)}, func(*http.Response) {}, EOF},
		{"cut", ssetest.Conn{data, ssetest.Cut()}, readAll, Cut},
		{"reset", ssetest.Conn{data, ssetest.Reset()}, readAll, Reset},
		{"closed", ssetest.Conn{data, ssetest.Stall()}, readSome, Closed},
		{"closed during Read", ssetest.Conn{data, ssetest.Stall()}, func(resp *http.Response) {
			readSome(resp)
			time.AfterFunc(time.Second, func() { resp.Body.Close() })
			readSome(resp)
		}, Closed},
		{"closed without a Read", ssetest.Conn{data}, func(*http.Response) {}, Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := record(t, tt.conn, tt.read)
			responses, err := Read(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if got := responses[0].End; got != tt.want || strings.Count(text, `"end"`) != 1 {
				t.Errorf("got end %q, want %q, in:\n%s", got, tt.want, text)
			}
		})
	}
}

// If the client cancels its request, the server did not end the response, whatever Read
// returns.
func TestTransportRecordsCancelledRequest(t *testing.T) {
	cause := errors.New("cause")
	for name, newContext := range map[string]func() (context.Context, context.CancelFunc){
		"cancel": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(time.Second, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		},
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Second)
		},
		"Client.Timeout": func() (context.Context, context.CancelFunc) {
			return context.Background(), func() {}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			srv := ssetest.NewMemoryServer(t, ssetest.Conn{ssetest.Status(200), ssetest.Stall()})
			client := srv.Client()
			client.Transport = NewTransport(client.Transport, &b)
			ctx, cancel := newContext()
			defer cancel()
			if ctx.Done() == nil {
				client.Timeout = time.Second
			}
			req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			readAll(resp)
			resp.Body.Close()
			if !strings.HasSuffix(b.String(), `{"response":1,"gap":1000,"end":"closed"}`+"\n") {
				t.Errorf("%s: got %s", name, b.String())
			}
		})
	}
}

func TestTransportMasksHeader(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"Set-Cookie", "a=b", "***"}, {"X-Api-Key", "b", "***"}, {"Openai-Organization", "o", "***"},
		{"Www-Authenticate", "Basic", "***"}, {"X-Amz-Security-Token", "t", "***"},
		{"X-Jwt-Assertion", "t", "***"}, {"X-Passphrase", "p", "***"}, {"X-Sig", "s", "***"},
		{"Content-Type", "text/event-stream", "text/event-stream"}, {"X-Request-Id", "1", "1"},
		{"X-Signal", "1", "1"},
		{"Location", "https://u:p@a.test/b?c=d#e", "https://a.test/b"}, {"Location", "/b?c", "/b"},
		{"Location", "%zz", "***"}, {"Content-Location", "b?c", "b"},
		{"Link", `<https://a.test/b>; rel="x"`, `<https://a.test/b>; rel="x"`},
		{"Link", `<https://a.test/b?c=d>; rel="x"`, "***"}, {"Refresh", "1; url=//u@a.test", "***"},
		{"Operation-Location", "https://a.test/b?c=d", "***"}, {"X-Url", "https://u:p@a.test/", "***"},
		{"X-Url", "https://a.test/", "https://a.test/"}, {"X-Text", "who? a@b.test", "who? a@b.test"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		header := http.Header{tt.name: {tt.value}}
		base := roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 302, Header: header, Body: http.NoBody}, nil
		})
		resp, err := NewTransport(base, &b).RoundTrip(httptest.NewRequest("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get(tt.name); got != tt.value {
			t.Errorf("%s: the client got %q, want %q", tt.name, got, tt.value)
		}
		responses, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got := responses[0].Header[tt.name]; len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s %q: got %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

// Responses of concurrent requests are told apart by their numbers, and each line is
// written at once.
func TestTransportIsSafeForConcurrentUse(t *testing.T) {
	const requests = 20
	var w lineWriter
	srv := ssetest.NewServer(t, ssetest.Each(func(n int, r *http.Request) http.Handler {
		return ssetest.Conn{ssetest.Chunks(1), ssetest.Raw(r.URL.Query().Get("body"))}
	}))
	client := srv.Client()
	client.Transport = NewTransport(client.Transport, &w)
	var wg sync.WaitGroup
	want := map[string]bool{}
	for i := range requests {
		body := strings.Repeat(fmt.Sprint(i, " "), 10)
		want[body] = true
		wg.Go(func() {
			req, err := http.NewRequest("GET", srv.URL, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.URL.RawQuery = "body=" + strings.ReplaceAll(body, " ", "+")
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			readAll(resp)
			resp.Body.Close()
		})
	}
	wg.Wait()
	responses, err := Read(strings.NewReader(w.text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range responses {
		var body []byte
		for _, c := range r.Chunks {
			body = append(body, c.Data...)
		}
		if !want[string(body)] || r.End != EOF {
			t.Errorf("got body %q and end %q", body, r.End)
		}
		delete(want, string(body))
	}
	if len(want) > 0 {
		t.Errorf("%d bodies are missing", len(want))
	}
}

// A large Read becomes several lines that Read accepts.
func TestTransportSplitsLargeChunks(t *testing.T) {
	data := strings.Repeat("\x00", 1200<<10)
	base := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(data))}, nil
	})
	var b bytes.Buffer
	resp, err := NewTransport(base, &b).RoundTrip(httptest.NewRequest("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := resp.Body.Read(make([]byte, len(data)+1)); n != len(data) || err != nil {
		t.Errorf("got %d bytes and %v", n, err)
	}
	readAll(resp)
	responses, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, c := range responses[0].Chunks {
		got += len(c.Data)
	}
	if got != len(data) || len(responses[0].Chunks) != 3 || responses[0].End != EOF {
		t.Errorf("got %d bytes in %d chunks and end %q",
			got, len(responses[0].Chunks), responses[0].End)
	}
}

func TestTransportReportsWriteErrors(t *testing.T) {
	errWrite := errors.New("write error")
	for n := range 3 {
		closed := false
		base := roundTripper(func(*http.Request) (*http.Response, error) {
			body := closer{strings.NewReader("x"), &closed}
			return &http.Response{StatusCode: 200, Body: body}, nil
		})
		w := &failingWriter{n: n, err: errWrite}
		resp, err := NewTransport(base, w).RoundTrip(httptest.NewRequest("GET", "/", nil))
		if n == 0 {
			if !errors.Is(err, errWrite) || !closed {
				t.Errorf("header: got %v, closed %t", err, closed)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if string(got) != "x" || !errors.Is(err, errWrite) {
			t.Errorf("body after %d lines: got %q, %v", n, got, err)
		}
		resp.Body.Close()
	}
	// Close also reports the error, unless the body has one.
	w := &failingWriter{n: 1, err: errWrite}
	closed := false
	base := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: closer{strings.NewReader("x"), &closed}}, nil
	})
	resp, err := NewTransport(base, w).RoundTrip(httptest.NewRequest("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); !errors.Is(err, errWrite) || !closed {
		t.Errorf("Close: got %v, closed %t", err, closed)
	}
}

// A response that does not fit is read to its end, but nothing more of it is encoded.
func TestTransportStopsAtFullWriter(t *testing.T) {
	base := roundTripper(func(*http.Request) (*http.Response, error) {
		body := io.NopCloser(iotest.OneByteReader(strings.NewReader("abcdef")))
		return &http.Response{StatusCode: 200, Body: body}, nil
	})
	for lines, want := range []int{1, 2, 3, 4} {
		w := &failingWriter{n: lines, err: ErrFull}
		resp, err := NewTransport(base, w).RoundTrip(httptest.NewRequest("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "abcdef" || err != nil {
			t.Errorf("%d lines: got %q, %v", lines, got, err)
		}
		if err := resp.Body.Close(); err != nil || w.calls != want {
			t.Errorf("%d lines: Close returned %v, %d lines were encoded, want %d",
				lines, err, w.calls, want)
		}
	}
	// There is room for all lines but the last.
	w := &failingWriter{n: 1, err: ErrFull}
	base = func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}
	if _, err := NewTransport(base, w).RoundTrip(httptest.NewRequest("GET", "/", nil)); err != nil {
		t.Errorf("without room for the end: %v", err)
	}
}

func TestTransportPassesOtherResults(t *testing.T) {
	errBase := errors.New("base error")
	var b bytes.Buffer
	switching := &http.Response{StatusCode: 101, Body: http.NoBody}
	for _, tt := range []struct {
		resp *http.Response
		err  error
	}{{nil, errBase}, {switching, nil}} {
		base := roundTripper(func(*http.Request) (*http.Response, error) { return tt.resp, tt.err })
		resp, err := NewTransport(base, &b).RoundTrip(httptest.NewRequest("GET", "/", nil))
		if resp != tt.resp || err != tt.err || b.Len() > 0 {
			t.Errorf("got %v, %v and recording %q", resp, err, b.String())
		}
	}
}

func TestTransportClosesIdleConnections(t *testing.T) {
	type idleCloser interface{ CloseIdleConnections() }
	base := &countingTransport{}
	NewTransport(base, io.Discard).(idleCloser).CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("got %d calls, want 1", base.closed)
	}
	none := roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	NewTransport(none, io.Discard).(idleCloser).CloseIdleConnections()
}

func TestTransportUsesDefaultTransport(t *testing.T) {
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Raw("data: x\n\n")})
	var b bytes.Buffer
	client := &http.Client{Transport: NewTransport(nil, &b)}
	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	readAll(resp)
	resp.Body.Close()
	if r, err := Read(&b); err != nil || len(r) != 1 || r[0].End != EOF {
		t.Errorf("got %+v, %v", r, err)
	}
}
