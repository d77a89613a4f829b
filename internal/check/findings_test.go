package check_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/internal/check"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestResponseRedirects(t *testing.T) {
	stream := ssetest.Conn{
		ssetest.Status(200, "X-Accel-Buffering", "no"),
		ssetest.Raw("id: 1\ndata: x\n\n"),
	}
	to := func(location string, status int) http.Handler {
		return http.RedirectHandler(location, status)
	}
	const end = "0+0 info stream-ended"
	tests := []struct {
		name, method string
		script       []http.Handler
		want         []string
		count        int    // of redirects
		message      string // of the last finding about a redirect
	}{
		{"none", "GET", []http.Handler{stream}, []string{end}, 0, ""},
		{"get", "GET", []http.Handler{to("/b?key=s3cret", 302), stream},
			[]string{"0+0 info redirect", end}, 1, "with status 302 from http://sse.test/a to " +
				"http://sse.test/b. "},
		{"two", "GET", []http.Handler{to("http://u:s3cret@b.test/b", 301), to("/c", 307), stream},
			[]string{"0+0 info redirect", end}, 2, "with status 301 from http://sse.test/a to " +
				"http://b.test/b. "},
		{"post stays post", "POST", []http.Handler{to("/b", 308), stream},
			[]string{"0+0 info redirect"}, 1, "with status 308 from"},
		{"post becomes get", "POST", []http.Handler{to("/b", 302), stream},
			[]string{"0+0 info redirect", "0+0 warning redirect-to-get", end}, 1,
			"The redirect with status 302 from http://sse.test/a turned the POST into a GET, "},
		{"second redirect turns put into get", "PUT",
			[]http.Handler{to("/b", 307), to("/c", 303), stream},
			[]string{"0+0 info redirect", "0+0 warning redirect-to-get", end}, 2,
			"The redirect with status 303 from http://sse.test/b turned the PUT into a GET, "},
		{"to an error", "GET", []http.Handler{to("/b", 302), ssetest.Conn{ssetest.Status(404)}},
			[]string{"0+0 info redirect", "0+0 error status"}, 1, "to http://sse.test/b. "},
		{"to no content", "POST", []http.Handler{to("/b", 302), ssetest.Conn{ssetest.Status(204)}},
			[]string{"0+0 info redirect", "0+0 warning redirect-to-get", "0+0 info no-content"}, 1, ""},
		{"to a long URL", "GET", []http.Handler{to("/"+strings.Repeat("b", 1000), 302), stream},
			[]string{"0+0 info redirect", end}, 1, "bbb…. "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := ssetest.NewMemoryServer(t, tt.script...)
			url := "http://u:s3cret@sse.test/a?key=s3cret#s3cret"
			req, err := http.NewRequest(tt.method, url, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			r := check.Response(t.Context(), resp, 0)
			if diff := cmp.Diff(tt.want, brief(r)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			message, count := "", 0
			for _, f := range r.Findings {
				if strings.Contains(f.Message, "s3cret") {
					t.Errorf("the message contains a secret: %s", f.Message)
				}
				if strings.HasPrefix(f.Rule, "redirect") {
					message = f.Message
				}
				if f.Rule == "redirect" {
					count = f.Count
				}
			}
			if !strings.Contains(message, tt.message) || count != tt.count {
				t.Errorf("got %d redirects and message %q, want %d and %q",
					count, message, tt.count, tt.message)
			}
		})
	}
}

// A response that was not made by net/http may lack parts of the redirects.
func TestResponseRedirectWithoutRequest(t *testing.T) {
	for _, redirect := range []*http.Response{
		{StatusCode: 302},
		{StatusCode: 302, Request: &http.Request{}},
	} {
		resp := &http.Response{
			StatusCode: 204, Body: http.NoBody, Request: &http.Request{Response: redirect},
		}
		if r := check.Response(t.Context(), resp, 0); len(r.Findings) == 0 {
			t.Errorf("got %+v", r)
		}
	}
}

func TestResponseCompressionStalled(t *testing.T) {
	event := "data: " + strings.Repeat("x", 100) + "\n\n"
	tests := []struct {
		name string
		step ssetest.Step
		time time.Duration
		want []string
	}{
		{"nothing", ssetest.Stall(), 10 * time.Second,
			[]string{"0+0 info compressed", "0+0 warning compression-stalled"}},
		{"at once", ssetest.Stall(), 2 * time.Second, []string{"0+0 info compressed"}},
		// This is the header of a gzip stream, without any data.
		{"gzip header", ssetest.Do(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
		}), 10 * time.Second, []string{"0+0 info compressed", "0+0 warning compression-stalled"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := ssetest.Conn{
					ssetest.Status(200, "X-Accel-Buffering", "no", "Content-Encoding", "gzip"),
					tt.step, ssetest.Stall(),
				}
				srv := ssetest.NewMemoryServer(t, conn)
				srv.AllowUnused()
				checkFor(t, srv, tt.time, tt.want)
			})
		})
	}
	// A compressor that is flushed is no problem.
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, ssetest.Conn{
			ssetest.Gzip(), ssetest.Status(200, "X-Accel-Buffering", "no"),
			ssetest.Raw("id: 1\n" + event), ssetest.Stall(),
		})
		checkFor(t, srv, 10*time.Second, []string{"0+0 info compressed"})
	})
}
