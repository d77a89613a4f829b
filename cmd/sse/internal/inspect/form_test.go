package inspect

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

func TestNewFormShowsRequest(t *testing.T) {
	t.Parallel()
	o := &request.Options{Header: make(http.Header), LastEventID: "7"}
	for _, h := range []string{"X-B: 2", "x-a: 1", "X-A: 3", "Host: other.test", "X-Empty;"} {
		if err := o.SetHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	o.AddBody([]byte("{}"))
	u, err := request.ParseURL("me:pw@h.test/p?q=1#f")
	if err != nil {
		t.Fatal(err)
	}
	o.SetURL(u)
	got, err := NewForm(o, true, 90*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want := Form{
		URL:    "http://h.test/p?q=1#f",
		Method: "POST",
		Headers: [][2]string{
			{"Host", "other.test"}, {"Authorization", "Basic bWU6cHc="},
			{"Content-Type", "application/json"}, {"X-A", "1"}, {"X-A", "3"}, {"X-B", "2"},
			{"X-Empty", ""},
		},
		Body:        "{}",
		LastEventID: "7",
		Reconnect:   true,
		IdleTimeout: "1m30s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	again, idle, err := got.request(&request.Options{})
	if err != nil || idle != 90*time.Second {
		t.Fatalf("idle timeout %v, %v", idle, err)
	}
	req, err := again.NewRequest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(req.Body); string(body) != "{}" || req.Method != "POST" ||
		req.Host != "other.test" || req.URL.String() != want.URL {
		t.Errorf("%s %s to %s with %q", req.Method, req.URL, req.Host, body)
	}
	wantHeader := http.Header{
		"Authorization": {"Basic bWU6cHc="}, "Content-Type": {"application/json"},
		"Last-Event-Id": {"7"}, "User-Agent": {"sse/" + request.Version()},
		"X-A": {"1", "3"}, "X-B": {"2"}, "X-Empty": {""},
	}
	if diff := cmp.Diff(wantHeader, req.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestNewFormWithoutURL(t *testing.T) {
	t.Parallel()
	got, err := NewForm(&request.Options{Header: make(http.Header)}, false, 0)
	want := Form{Method: "GET", Headers: [][2]string{}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("form (-want +got):\n%s%v", diff, err)
	}
}

func TestNewFormRejectsOtherEncodings(t *testing.T) {
	t.Parallel()
	o := &request.Options{Header: make(http.Header)}
	o.AddBody([]byte("\xff"))
	if _, err := NewForm(o, true, 0); err == nil || !strings.Contains(err.Error(), "the body") {
		t.Errorf("a body: %v", err)
	}
	o = &request.Options{Header: http.Header{"X": {"\xff"}}}
	if _, err := NewForm(o, true, 0); err == nil || !strings.Contains(err.Error(), "a header") {
		t.Errorf("a header: %v", err)
	}
}

func TestFormRequestNamesInvalidField(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field, want string
		change      func(f *Form)
	}{
		{"url", "there is no URL", func(f *Form) { f.URL = " " }},
		{"url", "ws:// is a WebSocket", func(f *Form) { f.URL = "ws://x" }},
		{"url", "bad URL: ", func(f *Form) { f.URL = "http://u:s3cret@x:y/" }},
		{"method", "invalid method", func(f *Form) { f.Method = "GE T" }},
		{"headers", `"a b" is not a valid header name`, func(f *Form) {
			f.Headers = [][2]string{{"a b", "s3cret"}}
		}},
		{"headers", `"a:b" is not`, func(f *Form) { f.Headers = [][2]string{{"a:b", "c"}} }},
		{"headers", `"" is not`, func(f *Form) { f.Headers = [][2]string{{"", ""}} }},
		{"headers", "X: the value contains control", func(f *Form) {
			f.Headers = [][2]string{{"X", "s3cret\r\nY: z"}}
		}},
		{"body", "the body is too large", func(f *Form) {
			f.Body = strings.Repeat("x", maxBody+1)
		}},
		{"lastEventID", "must not contain control", func(f *Form) { f.LastEventID = "a\n" }},
		{"idleTimeout", "want a duration", func(f *Form) { f.IdleTimeout = "soon" }},
	} {
		f := Form{URL: "http://x/"}
		test.change(&f)
		_, _, err := f.request(&request.Options{})
		got := (*fieldError)(nil)
		if !errors.As(err, &got) || got.field != test.field ||
			!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", test.field, err, test.want)
		}
	}
}

func TestFormRequestAcceptsLastEventIDAsHeader(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ field, header, want string }{
		{"", "5", "5"}, {" 6 ", "5", "6"}, {" ", " 5\t", "5"}, {" ", "", ""},
	} {
		f := Form{
			URL: "http://x/", LastEventID: test.field,
			Headers: [][2]string{{"last-event-id", test.header}},
		}
		o, _, err := f.request(&request.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Header.Get("Last-Event-ID"); o.LastEventID != test.want || got != test.want {
			t.Errorf("%+v: ID %q, header %q", test, o.LastEventID, got)
		}
	}
}

func TestFormRequestKeepsConnection(t *testing.T) {
	t.Parallel()
	proxy := "http://proxy.test:1"
	base := &request.Options{
		Header: make(http.Header), Insecure: true, Proxy: &proxy, UnixSocket: "/s", HTTP1: true,
		CACert: "ca", Cert: "cert", Key: "key", ConnectTimeout: time.Second,
		User: url.User("me"),
	}
	base.AddBody([]byte("x"))
	if err := base.SetHeader("X-Other: y"); err != nil {
		t.Fatal(err)
	}
	if err := base.SetHeader("Accept:"); err != nil {
		t.Fatal(err)
	}
	f := Form{URL: "http://x/"}
	o, _, err := f.request(base)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Insecure || o.Proxy != &proxy || o.UnixSocket != "/s" || !o.HTTP1 || o.CACert != "ca" ||
		o.Cert != "cert" || o.Key != "key" || o.ConnectTimeout != time.Second {
		t.Errorf("the connection is lost: %+v", o)
	}
	if o.HasBody || o.User != nil || o.Header.Get("X-Other") != "" || o.Method != "GET" {
		t.Errorf("the request of the command line is sent: %+v", o)
	}
	if diff := cmp.Diff([]string{"Accept"}, o.RemovedHeaders()); diff != "" {
		t.Errorf("removed headers (-want +got):\n%s", diff)
	}
}

func TestConnectionNotes(t *testing.T) {
	t.Parallel()
	proxy := "me:s3cret@proxy.test:1"
	o := &request.Options{
		Header: make(http.Header), Insecure: true, Proxy: &proxy, UnixSocket: "/s", HTTP1: true,
		CACert: "ca", Cert: "cert", ConnectTimeout: time.Second,
	}
	if err := o.AddCookie("", nil); err != nil {
		t.Fatal(err)
	}
	if err := o.SetHeader("Accept:"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"-k: certificates are not verified",
		"--cacert: only the certificate authorities in ca are trusted",
		"--cert: a client certificate is sent",
		"-x: requests are sent through the proxy http://proxy.test:1",
		"--unix-socket: requests are sent to /s",
		"--http1.1: HTTP/2 is not used",
		"--connect-timeout: the headers of a response must arrive within 1s",
		"-b: cookies that servers set are sent with the following requests",
		"-H 'Accept:': the header Accept is not sent",
	}
	if diff := cmp.Diff(want, connectionNotes(o)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	none := ""
	o = &request.Options{Proxy: &none, HTTP2: true}
	want = []string{"-x: no proxy is used", "--http2: only HTTP/2 is used"}
	if diff := cmp.Diff(want, connectionNotes(o)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{}, connectionNotes(new(request.Options))); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
