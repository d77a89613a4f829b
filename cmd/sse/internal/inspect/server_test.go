package inspect

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestSetupHasFormAndNotes(t *testing.T) {
	t.Parallel()
	o := newOptions()
	o.Request.Insecure, o.MaxEventSize = true, 2000
	_, page := serve(t, o)
	resp, body := do(t, "GET", page+"setup", "")
	want := `{"notes":["-k: certificates are not verified",` +
		`"--max-event-size: an event of more than 2 kB ends the stream"],` +
		`"request":{"url":"","method":"","headers":[],"body":"","lastEventID":"",` +
		`"reconnect":false,"idleTimeout":""}}` + "\n"
	if body != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s", resp.Header.Get("Content-Type"), body)
	}
}

func TestFilesOfPageHaveTypes(t *testing.T) {
	t.Parallel()
	_, page := serve(t, newOptions())
	files, err := pageFiles.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		resp, body := do(t, "GET", page+f.Name(), "")
		if resp.StatusCode != http.StatusOK || body == "" ||
			!strings.Contains(resp.Header.Get("Content-Type"), "/") {
			t.Errorf("%s: %s, %s", f.Name(), resp.Status, resp.Header.Get("Content-Type"))
		}
	}
	resp, _ := do(t, "GET", page, "")
	if got := resp.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("the page is %s", got)
	}
}

func TestSendEndsTheRunBefore(t *testing.T) {
	t.Parallel()
	stream := httptest.NewServer(ssetest.Conn{ssetest.Send(sse.Event{Data: "a"}), ssetest.Stall()})
	t.Cleanup(func() {
		stream.CloseClientConnections()
		stream.Close()
	})
	s, page := serve(t, newOptions())
	form := `{"url":"` + stream.URL + `","reconnect":true}`
	for i, want := range []string{`{"run":1}`, `{"run":2}`, `{"run":3}`} {
		before := s.run
		if resp, body := do(t, "POST", page+"send", form); resp.StatusCode != http.StatusOK ||
			body != want+"\n" {
			t.Fatalf("%s, %q, want %s", resp.Status, body, want)
		}
		if i > 0 {
			<-before.done
		}
	}
	if resp, body := do(t, "POST", page+"send", `{"url":"ftp://x/"}`); resp.StatusCode !=
		http.StatusUnprocessableEntity || body !=
		`{"error":"bad URL: the scheme is \"ftp\", want http or https","field":"url"}`+"\n" {
		t.Errorf("%s, %s", resp.Status, body)
	}
	select {
	case <-s.run.done:
		t.Error("a form with an error has ended the run")
	default:
	}
	for range 2 {
		if resp, _ := do(t, "POST", page+"stop", ""); resp.StatusCode != http.StatusNoContent {
			t.Errorf("stop: %s", resp.Status)
		}
	}
	<-s.run.done
	all := pending(t, s.history, new(cursor))
	if last := all[len(all)-1].data; last["state"] != "closed" || last["reason"] != "stopped" {
		t.Errorf("the last state is %v", last)
	}
}

func TestSendRejectsOtherText(t *testing.T) {
	t.Parallel()
	_, page := serve(t, newOptions())
	for _, body := range []string{"", "{", "[]", `{"url":1}`} {
		for _, path := range []string{"send", "commands"} {
			resp, got := do(t, "POST", page+path, body)
			if resp.StatusCode != http.StatusBadRequest ||
				!strings.HasPrefix(got, `{"error":"the request cannot be read: `) {
				t.Errorf("%s %q: %s, %q", path, body, resp.Status, got)
			}
		}
	}
	if resp, _ := do(t, "POST", page+"stop", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("stop before the first request: %s", resp.Status)
	}
}

func TestParseFillsForm(t *testing.T) {
	t.Parallel()
	_, page := serve(t, newOptions())
	const form = `"request":{"url":"http://$HOST/","method":"","headers":null,"body":"",` +
		`"lastEventID":"","reconnect":false,"idleTimeout":""}}` + "\n"
	for _, test := range []struct {
		text, want string
		status     int
	}{
		{"$ curl \\\n 'http://$HOST/'", `{"notes":["a note"],` + form, 200},
		{`curl "http://$HOST/"`,
			`{"notes":["a note","$HOST is not replaced: fill in its value"],` + form, 200},
		{"curl 'x", `{"error":"a quote is not closed"}` + "\n", 422},
		{" $ ", `{"error":"want a command that begins with curl or sse"}` + "\n", 422},
		{"", `{"error":"want a command that begins with curl or sse"}` + "\n", 422},
		{"wget x", `{"error":"this is not curl"}` + "\n", 422},
	} {
		resp, body := do(t, "POST", page+"parse", test.text)
		if diff := cmp.Diff(test.want, body); diff != "" || resp.StatusCode != test.status {
			t.Errorf("%q: %s (-want +got):\n%s", test.text, resp.Status, diff)
		}
	}
}
