package inspect

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

// requestLog starts a server that redirects requests for /302, /303, /307 and /other, the last of
// them to another host name, and that sends an event otherwise. The function returns the requests
// since its last call, without the headers in which clients differ.
func requestLog(t *testing.T) (url string, requests func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := fmt.Sprintf("%s %s%s %q", r.Method, r.Host, r.URL, body)
		for _, name := range []string{
			"User-Agent", "Accept-Encoding", "Content-Length", "Referer",
		} {
			r.Header.Del(name)
		}
		if len(body) == 0 {
			r.Header.Del("Content-Type") // after a redirect, curl sends it without a body as well
		}
		mu.Lock()
		all = append(all, fmt.Sprint(line, " ", r.Header)) // sorted by name
		mu.Unlock()
		switch r.URL.Path {
		case "/302":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/303":
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case "/307":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/other":
			host := strings.Replace(r.Host, "127.0.0.1", "localhost", 1)
			http.Redirect(w, r, "http://"+host+"/", http.StatusFound)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: a\n\n")
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		defer func() { all = nil }()
		return all
	}
}

func TestCurlCommandSendsRequestsOfClient(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("curl is not installed")
	case err != nil:
		t.Skip("curl is not installed")
	}
	url, requests := requestLog(t)
	known := [][2]string{{"Authorization", "Bearer s3cret"}, {"Cookie", "a=s3cret"}}
	other := [][2]string{{"X-Api-Key", "s3cret"}, {"X-Empty", ""}, {"Accept", "a/b"}}
	for _, test := range []struct {
		f       Form
		follows bool
	}{
		{Form{URL: "/?a=[1]&b='$x'"}, true},
		{Form{URL: "/302", Headers: known, LastEventID: "7"}, true},
		{Form{URL: "/other", Headers: known, LastEventID: "7"}, true},
		{Form{URL: "/302", Method: "HEAD"}, true},
		{Form{URL: "/303", Body: "{\"a\":\n \"@'$x\"}"}, true},
		{Form{URL: "/307", Body: "a=b"}, true},
		{Form{URL: "/other", Body: "a=b"}, true},
		{Form{URL: "/302", Method: "GET", Body: "a=b"}, true},
		{Form{URL: "/307", Method: "GET", Body: "a=b"}, true},

		// curl would send other requests after the first.
		{Form{URL: "/303", Method: "PUT", Body: "a=b"}, false},
		{Form{URL: "/303", Method: "POST"}, false},
		{Form{URL: "/303", Method: "DELETE"}, false},
		{Form{URL: "/other", Headers: other}, false},
	} {
		f := test.f
		f.URL = url + f.URL
		o, _, err := f.request(&request.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := startRun(t.Context(), 1, o, http.DefaultTransport, newHistory(1<<20),
			runOptions{maxStore: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		<-r.done
		want := requests()
		words := curlCommand(o)
		if slices.Contains(words, "-L") != test.follows {
			t.Errorf("%q, want -L: %t", words, test.follows)
		}
		if !test.follows {
			want = want[:1]
		}
		c := exec.Command(curl, append([]string{"-q"}, words[1:]...)...) // without a .curlrc
		c.Env = append(os.Environ(), "NO_PROXY=*")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", words, err, out)
		}
		if diff := cmp.Diff(want, requests()); diff != "" {
			t.Errorf("%q (-client +curl):\n%s", words, diff)
		}
	}
}
