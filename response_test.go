package sse

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A refusal is reported even if the rest of its body does not arrive.
func TestResponseErrorWhenBodyStalls(t *testing.T) {
	for _, test := range []struct {
		method string
		status int
	}{{"GET", 401}, {"POST", 401}, {"POST", 503}} {
		t.Run(fmt.Sprint(test.method, " ", test.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, func(int, *http.Request) (*http.Response, error) {
					resp := status(test.status, "")
					resp.Body = newScript("no, because", forever)
					return resp, nil
				})
				client.IdleTimeout = time.Second
				_, err := data(request(t, client, test.method, nil))
				var refused *ResponseError
				if !errors.As(err, &refused) {
					t.Fatalf("Err() = %v, want a *ResponseError", err)
				}
				equal(t, "StatusCode", refused.StatusCode, test.status)
				equal(t, "Body", string(refused.Body), "no, because")
			})
		})
	}
}

func TestResponseErrorRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		for value, want := range map[string]time.Duration{
			"":                       0,
			"0":                      0,
			"120":                    2 * time.Minute,
			"  120\t":                2 * time.Minute,
			"00120":                  2 * time.Minute,
			"3600":                   time.Hour,
			"3601":                   3601 * time.Second,
			"9223372036":             9223372036 * time.Second,
			"9223372037":             9223372036 * time.Second, // more nanoseconds than an int64 holds
			"9223372036854775807":    9223372036 * time.Second,
			"9223372036854775808":    9223372036 * time.Second,
			"18446744073709551617":   9223372036 * time.Second,
			strings.Repeat("9", 1e4): 9223372036 * time.Second,
			"-120":                   0,
			"+120":                   0,
			"120.5":                  0,
			"1e3":                    0,
			"0x10":                   0,
			"１２０":                    0,
			"120 s":                  0,
			"120, 60":                0,
			"soon":                   0,
			now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
			now.Add(90 * time.Second).Format(time.RFC850):     90 * time.Second,
			now.Add(90 * time.Second).Format(time.ANSIC):      90 * time.Second,
			now.Add(-time.Hour).Format(http.TimeFormat):       0,
			"Thu, 01 Jan 0001 00:00:00 GMT":                   0,
			"Fri, 31 Dec 9999 23:59:59 GMT":                   math.MaxInt64,
			"Fri, 32 Dec 9999 23:59:59 GMT":                   0,
		} {
			e := &ResponseError{Header: http.Header{"Retry-After": {value}}}
			if got := e.RetryAfter(); got != want {
				t.Errorf("Retry-After %.40q: RetryAfter() = %v, want %v", value, got, want)
			}
		}
		if got := new(ResponseError).RetryAfter(); got != 0 {
			t.Errorf("without Retry-After: RetryAfter() = %v, want 0", got)
		}
		p := retryPolicy{newBackoff: func() backoff.BackOff { return &backoff.ZeroBackOff{} }}
		if got, ok := p.nextWait(math.MaxInt64); got != time.Hour || !ok {
			t.Errorf("the longest wait is %v, %t", got, ok)
		}
		if got, ok := p.nextWait(math.MinInt64); got != 0 || !ok {
			t.Errorf("the shortest wait is %v, %t", got, ok)
		}
	})
}

func TestDefaultCheckResponse(t *testing.T) {
	// coded returns a response with a Content-Encoding.
	coded := func(body, coding string, header ...string) func() *http.Response {
		header = append(header, "Content-Type", "text/event-stream", "Content-Encoding", coding)
		return func() *http.Response { return status(200, body, header...) }
	}
	for _, test := range []struct {
		name  string
		resp  func() *http.Response // if nil, the status is the name and the body is "why"
		retry bool
		open  bool
		text  string
	}{
		{name: "200", resp: func() *http.Response { return stream() }, open: true},
		{name: "400", text: "sse: 400 Bad Request: why"},
		{name: "401", text: "sse: 401 Unauthorized: why"},
		{name: "403", text: "sse: 403 Forbidden: why"},
		{name: "404", text: "sse: 404 Not Found: why"},
		{name: "408", retry: true, text: "sse: 408 Request Timeout: why"},
		{name: "410", text: "sse: 410 Gone: why"},
		{name: "418", text: "sse: 418 I'm a teapot: why"},
		{name: "425", retry: true, text: "sse: 425 Too Early: why"},
		{name: "429", retry: true, text: "sse: 429 Too Many Requests: why"},
		{name: "431", text: "sse: 431 Request Header Fields Too Large: why"},
		{name: "500", retry: true, text: "sse: 500 Internal Server Error: why"},
		{name: "501", text: "sse: 501 Not Implemented: why"},
		{name: "502", retry: true, text: "sse: 502 Bad Gateway: why"},
		{name: "503", retry: true, text: "sse: 503 Service Unavailable: why"},
		{name: "504", retry: true, text: "sse: 504 Gateway Timeout: why"},
		{name: "520", retry: true, text: "sse: 520: why"},
		{name: "524", retry: true, text: "sse: 524: why"},
		{name: "525", text: "sse: 525: why"},
		{name: "529", retry: true, text: "sse: 529: why"},
		{name: "505", text: "sse: 505 HTTP Version Not Supported: why"},
		{name: "201", text: "sse: 201 Created: why"},
		{name: "206", text: "sse: 206 Partial Content: why"},
		{name: "302", text: "sse: 302 Found: why"}, // without Location
		{name: "304", text: "sse: 304 Not Modified: why"},
		{name: "200 text/html",
			text: "sse: 200 OK: Content-Type is text/html, not text/event-stream: why",
			resp: func() *http.Response { return status(200, "why", "Content-Type", "text/html") }},
		{name: "200 without Content-Type",
			text: "sse: 200 OK: Content-Type is missing, not text/event-stream: why",
			resp: func() *http.Response { return status(200, "why") }},
		{name: "undecoded", text: "sse: 200 OK: undecoded Content-Encoding br",
			resp: coded("why", "br")},
		{name: "identity", open: true, resp: coded("", "Identity")},
		{name: "two codings", text: "sse: 200 OK: undecoded Content-Encoding none, X-GZIP",
			resp: coded("why", "none, X-GZIP")},
		{name: "no coding", open: true, resp: coded("", "none")},
		{name: "nothing to decode", open: true, resp: coded("", "gzip", "Content-Length", "0")},
		{name: "blank body", text: "sse: 401 Unauthorized",
			resp: func() *http.Response { return status(401, " \r\n") }},
		{name: "control characters", text: "sse: 401 \ufffd[31mred: a [2J b \ufffd",
			resp: func() *http.Response {
				resp := status(401, "a\n\n\x1b[2J\tb\x00 \xff\u202e")
				resp.Status = "401 \xff\x1b[31mred\x07"
				return resp
			}},
		{name: "no status text", text: "sse: 499: why",
			resp: func() *http.Response {
				resp := status(499, "why")
				resp.Status = "499 "
				return resp
			}},
		{name: "no Status", retry: true, text: "sse: 503 Service Unavailable: why",
			resp: func() *http.Response {
				resp := status(503, "why")
				resp.Status = ""
				return resp
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var code int
				fmt.Sscan(test.name, &code)
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					switch {
					case n > 1:
						return status(204, ""), nil
					case test.resp != nil:
						return test.resp(), nil
					}
					return status(code, "why"), nil
				})
				opened := 0
				client.OnOpen = func(*http.Response) { opened++ }
				var err error
				client.OnRetry = func(cause error, _ time.Duration) { err = cause }
				s := get(t, client)
				if s.Next() {
					t.Error("Next() = true")
				}
				if !test.retry && !test.open {
					err = s.Err()
				} else if s.Err() != nil {
					t.Errorf("Err() = %v", s.Err())
				}
				if test.open {
					equal(t, "OnOpen", opened, 1)
					return
				}
				if err == nil || err.Error() != test.text {
					t.Errorf("the error is %q, want %q", err, test.text)
				}
				var failed *ResponseError
				if !errors.As(err, &failed) {
					t.Fatalf("the error is a %T", err)
				}
				if code != 0 && failed.StatusCode != code {
					t.Errorf("StatusCode is %d", failed.StatusCode)
				}
				if code != 0 && string(failed.Body) != "why" {
					t.Errorf("Body is %q", failed.Body)
				}
			})
		})
	}
}

// A panic of the body reaches the caller, who can recover it, although the body is read on another
// goroutine.
func TestDefaultCheckResponsePanics(t *testing.T) {
	defer func() {
		if got := recover(); got != "Read" {
			t.Errorf("recovered %v, want the panic of Read", got)
		}
	}()
	resp := status(503, "")
	resp.Body = struct {
		io.Reader
		io.Closer
	}{readFunc(func([]byte) (int, error) { panic("Read") }), io.NopCloser(nil)}
	DefaultCheckResponse(resp)
}

// A response that a test has built may have neither a body nor a header.
func TestDefaultCheckResponseWithoutBody(t *testing.T) {
	err := DefaultCheckResponse(&http.Response{StatusCode: 404})
	if want := "sse: 404 Not Found"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestContentType(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"text/event-stream"}, "text/event-stream"},
		{[]string{"TEXT/Event-Stream; charset=ISO-8859-1"}, "text/event-stream"},
		{[]string{" \ttext/event-stream \t;"}, "text/event-stream"},
		{[]string{"text/event-stream;charset=\"a,text/html\""}, "text/event-stream"},
		{[]string{"text/event-stream;charset=\"a\\\",text/html\""}, "text/event-stream"},
		{[]string{"text/event-streamx"}, "text/event-streamx"},
		{[]string{"text/event-stream x"}, ""},
		{[]string{"text/ event-stream"}, ""},
		{[]string{"text"}, ""},
		{[]string{"/"}, ""},
		{[]string{"text/html", "text/event-stream"}, "text/event-stream"},
		{[]string{"text/event-stream", "text/html"}, "text/html"},
		{[]string{"text/event-stream", "garbage"}, "text/event-stream"},
		{[]string{"text/event-stream", "*/*"}, "text/event-stream"},
		{[]string{"text/event-stream, "}, "text/event-stream"},
		{[]string{"text/html, text/event-stream"}, "text/event-stream"},
	} {
		if got := mediaType(http.Header{"Content-Type": test.values}); got != test.want {
			t.Errorf("Content-Type %q: %q, want %q", test.values, got, test.want)
		}
	}
}

// The body of a ResponseError is limited in size and in time, whatever the server sends.
func TestResponseErrorBodyIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name string
		body []any
		want string
		time time.Duration
	}{
		{"4 KiB", []any{long[:maxErrorBody]}, long[:maxErrorBody], 0},
		{"more", []any{long, forever}, long[:maxErrorBody], 0},
		{"never begins", []any{forever}, "", 5 * time.Second},
		{"never ends", []any{"why", forever}, "why", 5 * time.Second},
		{"a byte a second", []any{"a", time.Second, "b", time.Second, "c", 10 * time.Second, "d"},
			"abc", 5 * time.Second},
		{"cut", []any{"why", io.ErrUnexpectedEOF}, "why", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					resp := status(403, "")
					resp.Body = newScript(test.body...)
					return resp, nil
				})
				start := time.Now()
				_, err := data(get(t, client))
				var failed *ResponseError
				if !errors.As(err, &failed) {
					t.Fatalf("Err() = %v, want a *ResponseError", err)
				}
				equal(t, "Body", string(failed.Body), test.want)
				equal(t, "time", time.Since(start), test.time)
				if n := len(failed.Error()); n > 600 {
					t.Errorf("Error() has %d bytes, want 600 at most", n)
				}
			})
		})
	}
}

// The text shows the wait that a Stream observes, whatever the server asks for.
func TestResponseErrorLimitsRetryAfter(t *testing.T) {
	for value, want := range map[string]string{
		"60":            "sse: 503 Service Unavailable (retry after 1m0s)",
		"3600":          "sse: 503 Service Unavailable (retry after 1h0m0s)",
		"1000000000000": "sse: 503 Service Unavailable (retry after 1h0m0s)",
		"0":             "sse: 503 Service Unavailable",
	} {
		e := &ResponseError{
			StatusCode: 503,
			Status:     "503 Service Unavailable",
			Header:     http.Header{"Retry-After": {value}},
		}
		if got := e.Error(); got != want {
			t.Errorf("Retry-After %s: %s, want %s", value, got, want)
		}
	}
}

// The text of an error page is quoted, but neither compressed nor binary bytes.
func TestResponseErrorQuotesText(t *testing.T) {
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	io.WriteString(zw, "the quick brown fox jumps over the lazy dog")
	zw.Close()
	for _, test := range []struct {
		name, encoding, body, want string
	}{
		{"text", "", "out of credit", ": out of credit"},
		{"Latin-1", "", "nicht verf\xfcgbar", ": nicht verf\ufffdgbar"},
		{"terminal colours", "", "\x1b[31mred\x1b[0m", ": [31mred[0m"},
		{"gzip", "gzip", zipped.String(), ""},
		{"gzip without a header", "", zipped.String(), ""},
		{"zeros", "", strings.Repeat("\x00", 100), ""},
		{"empty", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp := status(403, test.body)
			if test.encoding != "" {
				resp.Header.Set("Content-Encoding", test.encoding)
			}
			err := DefaultCheckResponse(resp)
			if want := "sse: 403 Forbidden" + test.want; fmt.Sprint(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
			var refused *ResponseError
			if errors.As(err, &refused) {
				equal(t, "Body", string(refused.Body), test.body)
			}
		})
	}
}

// The error names the request that was refused, how a redirect led to it, and the remedy if there
// is one.
func TestResponseErrorNamesRequest(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/moved", http.RedirectHandler("/chat?token=secret", http.StatusMovedPermanently))
	mux.HandleFunc("/chat", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
	})
	mux.Handle("/private", http.RedirectHandler("/login", http.StatusFound))
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<p>Please log in</p>")
	})
	mux.Handle("/elsewhere", http.RedirectHandler("/chat", http.StatusTemporaryRedirect))
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		io.WriteString(zw, "data: x\n\n")
		zw.Close()
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	at := func(path string) string { return srv.URL + path }
	userInfo := strings.Replace(srv.URL, "http://", "http://user:pass@", 1)

	for _, test := range []struct {
		name, method, url string
		body              io.Reader
		header            http.Header
		refused           ResponseError // Method and URL
		want              string
	}{
		{
			name: "a POST that a redirect turned into a GET", method: "POST", url: userInfo + "/moved?q=1",
			body: strings.NewReader("{}"), refused: ResponseError{Method: "GET", URL: at("/chat")},
			want: "sse: 405 Method Not Allowed: POST " + at("/moved") +
				" was redirected with 301 to GET " + at("/chat") + ": use POST",
		},
		{
			name: "a login page", method: "GET", url: at("/private"),
			refused: ResponseError{Method: "GET", URL: at("/login")},
			want: "sse: 200 OK: Content-Type is text/html, not text/event-stream: GET " + at("/private") +
				" was redirected with 302 to GET " + at("/login") + ": <p>Please log in</p>",
		},
		{
			name: "a body that cannot be sent again", method: "POST", url: at("/elsewhere"),
			body: io.MultiReader(strings.NewReader("{}")), refused: ResponseError{Method: "POST",
				URL: at("/elsewhere")},
			want: "sse: 307 Temporary Redirect (the redirect was not followed because " +
				"the request has a body but no GetBody)",
		},
		{
			name: "a body that can be sent again", method: "POST", url: at("/elsewhere"),
			body: strings.NewReader("{}"), refused: ResponseError{Method: "POST", URL: at("/chat")},
			want: "sse: 405 Method Not Allowed: POST " + at("/elsewhere") +
				" was redirected with 307 to POST " + at("/chat") + ": use POST",
		},
		{
			name: "Accept-Encoding in the request", method: "GET", url: at("/gzip"),
			header: http.Header{"Accept-Encoding": {"gzip"}}, refused: ResponseError{Method: "GET",
				URL: at("/gzip")},
			want: "sse: 200 OK: undecoded Content-Encoding gzip (remove Accept-Encoding from " +
				"the request, so that net/http decodes the response)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := newRequest(t, test.method, test.url, test.body)
			for name, values := range test.header {
				req.Header[name] = values
			}
			client := &Client{NoReconnect: true}
			_, err := data(client.Stream(req))
			var refused *ResponseError
			if !errors.As(err, &refused) {
				t.Fatalf("Err() = %v, want a *ResponseError", err)
			}
			equal(t, "Err()", err.Error(), test.want)
			equal(t, "Method", refused.Method, test.refused.Method)
			equal(t, "URL", refused.URL, test.refused.URL)
		})
	}
}

func TestResponseErrorUnwrapsReadError(t *testing.T) {
	reset := errors.New("connection reset")
	client := newClient(t, func(int, *http.Request) (*http.Response, error) {
		resp := status(403, "")
		resp.Body = newScript("words", reset)
		return resp, nil
	})
	_, err := data(get(t, client))
	var refused *ResponseError
	if !errors.As(err, &refused) || !errors.Is(err, reset) || string(refused.Body) != "words" {
		t.Errorf("Err() = %v", err)
	}
}

func TestResponseErrorRetryAfterMs(t *testing.T) {
	for _, test := range []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"milliseconds", http.Header{"Retry-After-Ms": {"1500"}}, 1500 * time.Millisecond},
		{"a fraction", http.Header{"Retry-After-Ms": {" 20.5 "}}, 20500 * time.Microsecond},
		{"the other name", http.Header{"X-Ms-Retry-After-Ms": {"7"}}, 7 * time.Millisecond},
		{"precedence", http.Header{"Retry-After-Ms": {"1"}, "Retry-After": {"60"}}, time.Millisecond},
		{"zero", http.Header{"Retry-After-Ms": {"0"}, "Retry-After": {"60"}}, 0},
		{"huge", http.Header{"Retry-After-Ms": {"1" + strings.Repeat("0", 400)}}, math.MaxInt64},
		{"the largest Duration", http.Header{"Retry-After-Ms": {"9223372036854"}}, math.MaxInt64},
		{"a day", http.Header{"Retry-After-Ms": {"86400000"}}, 24 * time.Hour},
		{"negative", http.Header{"Retry-After-Ms": {"-1"}, "Retry-After": {"60"}}, time.Minute},
		{"an exponent", http.Header{"Retry-After-Ms": {"1e3"}, "Retry-After": {"60"}}, time.Minute},
		{"infinity", http.Header{"Retry-After-Ms": {"Inf"}, "Retry-After": {"60"}}, time.Minute},
		{"two points", http.Header{"Retry-After-Ms": {"1.2.3"}, "Retry-After": {"60"}}, time.Minute},
		{"empty", http.Header{"Retry-After-Ms": {""}, "Retry-After": {"60"}}, time.Minute},
	} {
		e := &ResponseError{Header: test.header}
		if got := e.RetryAfter(); got != test.want {
			t.Errorf("%s: RetryAfter() = %v, want %v", test.name, got, test.want)
		}
	}
}

// A response that is accepted and has no events, but other text, is an error that quotes the text.
func TestStreamWithoutEventsQuotesIgnoredText(t *testing.T) {
	const prefix = "sse: 200 OK: the response contains no events, but other text: "
	long := strings.Repeat("x", maxErrorBody+1)
	for _, test := range []struct {
		name string
		body string
		want string // the Body of the error; empty for no error
	}{
		{"a JSON object", `{"error":{"message":"quota exceeded"}}`,
			`{"error":{"message":"quota exceeded"}}`},
		{"an HTML page", "<!DOCTYPE html>\n<h1>502</h1>", "<!DOCTYPE html>\n<h1>502</h1>"},
		{"newline-delimited JSON", "{\"response\":\"a\"}\n{\"response\":\"b\"}",
			"{\"response\":\"a\"}\n{\"response\":\"b\"}"},
		{"a line of llama.cpp", `error: {"code":500}`, `error: {"code":500}`},
		{"more than 4 KiB", long, long[:maxErrorBody]},
		{"text among comments", ": hello\noops\n: goodbye", "oops"},
		{"comments only", ": hello\n: goodbye", ""},
		{"a retry field only", "retry: 5", ""},
		{"an id block only", "id: 7\n", ""},
		{"text and an id block", "oops\nid: 7\n", ""},
		{"a block without data", "event: x\n", ""},
		{"text and an event", "oops\ndata: x\n", ""},
		{"an empty body", "", ""},
	} {
		for _, end := range []string{"", "\n", "\n\n"} {
			for _, method := range []string{"GET", "POST"} {
				t.Run(fmt.Sprintf("%s, %s, %q", test.name, method, end), func(t *testing.T) {
					if test.want == "" && end == "" && test.body != "" {
						return // the cut of the last line decides
					}
					synctest.Test(t, func(t *testing.T) {
						client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
							if n > 2 {
								return status(204, ""), nil
							}
							return stream(test.body + end), nil
						})
						var reasons []error
						var waits []time.Duration
						client.OnRetry = func(err error, wait time.Duration) {
							reasons, waits = append(reasons, err), append(waits, wait)
						}
						_, err := data(request(t, client, method, nil))
						if method == "GET" {
							equal(t, "Err()", err, nil)
							if len(reasons) != 2 {
								t.Fatalf("OnRetry(%v), want two calls", reasons)
							}
							err = reasons[0]
							if test.want != "" {
								equal(t, "waits", waits, []time.Duration{2 * time.Second, 3 * time.Second})
							}
						}
						var refused *ResponseError
						switch {
						case test.want == "" && errors.As(err, &refused):
							t.Errorf("%s: the error is %v, want none", method, err)
						case test.want != "" && !errors.As(err, &refused):
							t.Errorf("%s: the error is %v, want a *ResponseError", method, err)
						case test.want != "":
							equal(t, "Body", strings.TrimRight(string(refused.Body), "\n"), test.want)
							if !strings.HasPrefix(err.Error(), prefix) {
								t.Errorf("the text is %.200s", err)
							}
						}
					})
				})
			}
		}
	}
}
