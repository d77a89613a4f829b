package main

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// server is the environment variable that makes the test binary run main and send its request to
// this URL.
const server = "MODEL_SERVER"

func TestMain(m *testing.M) {
	target := os.Getenv(server)
	if target == "" {
		os.Exit(m.Run())
	}
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	http.DefaultTransport = redirect{u, http.DefaultTransport}
	main()
}

// A redirect sends the requests for OpenAI to target.
type redirect struct {
	target *url.URL
	base   http.RoundTripper
}

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.String() != "https://api.openai.com/v1/chat/completions" {
		panic("request to " + req.URL.String())
	}
	req = req.Clone(req.Context())
	req.URL = r.target
	return r.base.RoundTrip(req)
}

// run runs main, whose request gets the response conn.
func run(t *testing.T, conn ssetest.Conn) (stdout, stderr string, err error) {
	srv := ssetest.NewServer(t, conn)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), server+"="+srv.URL, "OPENAI_API_KEY=secret")
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func send(data string) ssetest.Step { return ssetest.Send(sse.Event{Data: data}) }

func TestModelPrintsText(t *testing.T) {
	stdout, stderr, err := run(t, ssetest.Conn{
		ssetest.WantHeader("Authorization", "Bearer secret"),
		send(`{"choices":[{"delta":{"content":"Hel"}}]}`),
		send(`{"choices":[{"delta":{"content":"lo."}}]}`),
		send("[DONE]"),
	})
	if stdout != "Hello.\n" || err != nil {
		t.Errorf("printed %q, %q, %v, want Hello.", stdout, stderr, err)
	}
}

func TestModelReportsErrors(t *testing.T) {
	tests := map[string]struct {
		conn ssetest.Conn
		want string // in the output
	}{
		"refused": {
			ssetest.Conn{
				ssetest.Status(401, "Content-Type", "application/json"),
				ssetest.Raw(`{"error":"bad key"}`),
			}, "bad key",
		},
		"error in the stream": {
			ssetest.Conn{send(`{"error":{"message":"overloaded"}}`)}, "overloaded",
		},
		"cut": {
			ssetest.Conn{send(`{"choices":[{"delta":{"content":"Hel"}}]}`), ssetest.Cut()},
			"unexpected EOF",
		},
		"ended without [DONE]": {
			ssetest.Conn{send(`{"choices":[{"delta":{"content":"Hel"}}]}`)}, "unexpected EOF",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, stderr, err := run(t, tt.conn)
			if err == nil || !strings.Contains(stderr, tt.want) {
				t.Errorf("printed %q, %v, want an error with %q", stderr, err, tt.want)
			}
			if strings.Contains(stderr, "secret") {
				t.Errorf("printed the key: %q", stderr)
			}
		})
	}
}
