package main

import (
	"compress/gzip"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// echo is a handler that sends an event whose data describes the request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	line := func(name, value string) { io.WriteString(w, "data: "+name+"="+value+"\n") }
	line("method", r.Method)
	line("host", r.Host)
	line("uri", r.RequestURI)
	line("proto", r.Proto)
	for name, values := range r.Header {
		for _, v := range values {
			line(name, v)
		}
	}
	line("body", string(body))
	io.WriteString(w, "\n")
}

func TestRequestFlags(t *testing.T) {
	t.Parallel()
	url := server(t, echo)
	host := strings.TrimPrefix(url, "http://")
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("{\n\"a\": 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args  string // after the URL, separated by "|"
		stdin string
		want  []string
		not   []string
	}{
		{"", "", []string{"method=GET", "Accept=text/event-stream", "Cache-Control=no-cache",
			"User-Agent=sse/", "Accept-Encoding=gzip", "body=\n"}, []string{"Last-Event-Id"}},
		{"-H|X-One: 1|-H|X-Two:2|-HX-One: 3", "", []string{"X-One=1\n", "X-Two=2\n", "X-One=3\n"},
			nil},
		{"-H|Accept:|-H|User-Agent:", "", nil, []string{"Accept=", "User-Agent"}},
		{"-H|Accept-Encoding:", "", nil, []string{"Accept-Encoding"}},
		{"-H|Accept-Encoding: gzip, br, zstd", "", []string{"Accept-Encoding=gzip\n"}, nil},
		{"-H|Accept-Encoding: identity", "", []string{"Accept-Encoding=identity\n"}, nil},
		{"-H|X-Empty;", "", []string{"X-Empty=\n"}, nil},
		{"-H|Host: other.test", "", []string{"host=other.test\n"}, nil},
		{"-A|you/1|-A|me/1", "", []string{"User-Agent=me/1\n"}, nil},
		{"-b|a=1; b=2", "", []string{"Cookie=a=1; b=2\n"}, nil},
		{"-b|a=1|-b|b=2", "", []string{"Cookie=a=1; b=2\n"}, nil},
		{"-u|name:word", "", []string{"Authorization=Basic bmFtZTp3b3Jk\n"}, nil},
		{"-X|REPORT", "", []string{"method=REPORT\n"}, nil},
		{"-d|a=1|-d|b=2", "",
			[]string{"method=POST\n", "body=a=1&b=2\n",
				"Content-Type=application/x-www-form-urlencoded\n"}, nil},
		{`-d|{"a":1}`, "", []string{"Content-Type=application/json\n", `body={"a":1}` + "\n"}, nil},
		{`-d|{"a":1}|-H|Content-Type: text/plain`, "", []string{"Content-Type=text/plain\n"}, nil},
		{"-d|@" + file, "", []string{`body={"a": 1}` + "\n", "Content-Type=application/json\n"},
			nil},
		{"-d|@-", "from\nstdin", []string{"body=fromstdin\n"}, nil},
		{"--data-raw|@x", "", []string{"body=@x\n"}, nil},
		{"-X|PUT|-d|x", "", []string{"method=PUT\n", "body=x\n"}, nil},
		{"--last-event-id|41", "", []string{"Last-Event-Id=41\n"}, nil},
		{"--http1.1", "", []string{"proto=HTTP/1.1\n"}, nil},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			args := []string{url + "/p?q=1", "--no-reconnect", "--data"}
			if test.args != "" {
				args = append(args, strings.Split(test.args, "|")...)
			}
			r := runSSE(t, test.stdin, args...)
			if r.code != errtext.ExitDone || r.stderr != "" {
				t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
			}
			for _, want := range append(test.want, "uri=/p?q=1\n") {
				if !strings.Contains(r.stdout, want) {
					t.Errorf("the request lacks %q:\n%s", want, r.stdout)
				}
			}
			for _, not := range test.not {
				if strings.Contains(r.stdout, not) {
					t.Errorf("the request has %q:\n%s", not, r.stdout)
				}
			}
		})
	}
	if r := runSSE(t, "", host+"/p", "--no-reconnect", "--data"); !strings.Contains(r.stdout,
		"uri=/p\n") {
		t.Errorf("without a scheme: %+v", r)
	}
	if r := runSSE(t, "", host+"/p?to=http://x/", "--no-reconnect",
		"--data"); !strings.Contains(r.stdout, "uri=/p?to=http://x/\n") {
		t.Errorf("without a scheme, with one in the query: %+v", r)
	}
	if r := runSSE(t, "", "http://me:pw@"+host, "--no-reconnect",
		"--data"); !strings.Contains(r.stdout, "Authorization=Basic bWU6cHc=\n") {
		t.Errorf("with user information: %+v", r)
	}
}

func TestRequestBodyKeepsBytes(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 1)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- string(b)
		w.WriteHeader(http.StatusNoContent)
	})
	runSSE(t, "a\r\nb\n", url, "--data-binary", "@-").want(t, errtext.ExitDone, "")
	if got := <-bodies; got != "a\r\nb\n" {
		t.Errorf("body = %q", got)
	}
	runSSE(t, "\xe9\r\n\x00\xff\n", url, "-d", "@-").want(t, errtext.ExitDone, "")
	if got := <-bodies; got != "\xe9\xff" {
		t.Errorf("with -d, body = %q", got)
	}
}

func TestRequestUsesProxy(t *testing.T) {
	t.Parallel()
	proxy := server(t, echo)
	for _, test := range []struct{ args, env string }{
		{"-x " + proxy, ""},
		{"-x " + strings.TrimPrefix(proxy, "http://"), ""},
		{"", "http_proxy=" + proxy},
	} {
		c := command(t,
			append(strings.Fields(test.args), "http://stream.test/x", "--data",
				"--no-reconnect")...)
		if test.env != "" {
			c.Env = append(c.Env, test.env)
		}
		if r := finish(t, c); !strings.Contains(r.stdout, "uri=http://stream.test/x\n") {
			t.Errorf("%+v: %+v", test, r)
		}
	}
	// With -x "" no proxy is used, even if the environment names one.
	c := command(t, "-x", "", proxy, "--data", "--no-reconnect")
	c.Env = append(c.Env, "http_proxy=http://127.0.0.1:1")
	if r := finish(t, c); !strings.Contains(r.stdout, "uri=/\n") {
		t.Errorf("with an empty proxy: %+v", r)
	}
}

func TestRequestReportsProxyThatRefuses(t *testing.T) {
	t.Parallel()
	proxy := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	r := runSSE(t, "", "--no-reconnect", "-x", proxy, "https://sse.test/")
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "sse: GET https://sse.test/: the proxy refused the connection: "+
		"407 Proxy Authentication Required\n")
}

func TestRequestTLSFlags(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca,
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
		0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		flags string
		code  int
		want  string
	}{
		{"--cacert " + ca, 0, "proto=HTTP/2.0\n"},
		{"-k", 0, "proto=HTTP/2.0\n"},
		{"-k --http2", 0, "proto=HTTP/2.0\n"},
		{"-k --http1.1", 0, "proto=HTTP/1.1\n"},
		{"", 1, ""},
	} {
		r := runSSE(t, "", append(strings.Fields(test.flags), s.URL, "--data", "--no-reconnect")...)
		if r.code != test.code || !strings.Contains(r.stdout, test.want) {
			t.Errorf("%s: %+v", test.flags, r)
		}
		if v := runSSE(t, "",
			append(strings.Fields(test.flags), s.URL+"/p", "-v",
				"--no-reconnect")...); test.code == 0 {
			proto := strings.TrimSuffix(strings.TrimPrefix(test.want, "proto="), ".0\n")
			v.wantStderr(t, "* connected to "+strings.TrimPrefix(s.URL, "https://")+
				"\n* TLS 1.3, ", "> GET /p "+strings.TrimSpace(proto)+"\n",
				"ccept: text/event-stream\n",
				"< "+strings.TrimSpace(strings.TrimPrefix(test.want, "proto="))+" 200 OK\n")
		}
		if test.code != 0 {
			r.oneLine(t)
			r.wantStderr(t, "x509",
				"(--cacert FILE sets the certificate authorities, -k accepts any certificate)")
		}
	}
}

func TestUnencryptedHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	if r := runSSE(t, "", "--http2", s.URL, "--data", "--no-reconnect"); !strings.Contains(r.stdout,
		"proto=HTTP/2.0\n") {
		t.Errorf("%+v", r)
	}
}

func TestRequestDecodesGzip(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "data: a\n\ndata: b\n\n")
		z.Close()
	})
	runSSE(t, "", "--no-reconnect", "--raw", url).want(t, errtext.ExitDone,
		"data: a\n\ndata: b\n\n")
	r := runSSE(t, "", "--no-reconnect", "-v", "--data", "-n", "1", url)
	r.want(t, errtext.ExitDone, "a\n")
	r.wantStderr(t, "* the body is gzip")
}

func TestVerboseRedactsRedirects(t *testing.T) {
	t.Parallel()
	other := server(t, echo)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other+"/there?token=s3cret", http.StatusFound)
	})
	r := runSSE(t, "", "-v", "--no-reconnect", "--data", "-u", "me:pw", url+"/here?key=s3cret")
	if !strings.Contains(r.stdout, "uri=/there?token=s3cret\n") {
		t.Errorf("%+v", r)
	}
	r.wantStderr(t, "> GET /here?key=**** HTTP/1.1\n", "< HTTP/1.1 302 Found\n",
		"< Location: "+other+"/there?token=****\n", "> GET /there?token=**** HTTP/1.1\n",
		"> Authorization: Basic ****\n")
	if strings.Contains(r.stderr, "s3cret") || strings.Contains(r.stderr, "bWU6cHc=") {
		t.Errorf("a secret is shown:\n%s", r.stderr)
	}
}

func TestVerboseHidesSecrets(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "id=s3cret")
		w.Header().Set("X-Odd", "a\u009b31mb")
		echo(w, r)
	})
	r := runSSE(t, "", "-v", "--no-reconnect", "--data", "-s", url+"/x", "-H", "X-Api-Key: s3cret",
		"-H", "Authorization: Bearer s3cret",
		"-H", "X-Auth-Token: s3cret", "-b", "a=s3cret", "-H", "Proxy-Authorization: s3cret", "-H",
		"Idempotency-Key: shown", "-H", "X-Topic: shown too",
		"-H", "Ocp-Apim-Subscription-Key: s3cret", "-H", "Cf-Access-Jwt-Assertion: s3cret", "-H",
		"DPoP: s3cret", "-H", "X-GitHub-OTP: s3cret",
		"-H", "CB-ACCESS-PASSPHRASE: s3cret", "-H", "CB-ACCESS-SIGN: s3cret", "-H",
		"Origin: http://u:s3cret@a", "-H", "X-Link: <http://a/?b=s3cret&c=s3cret>; rel=self")
	if r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	r.wantStderr(t, "* connected to 127.0.0.1:", "> GET /x HTTP/1.1\n", "> Host: 127.0.0.1:",
		"> Accept: text/event-stream\n", "> X-Api-Key: ****\n",
		"> Authorization: Bearer ****\n", "> X-Auth-Token: ****\n", "> Cookie: ****\n",
		"> Proxy-Authorization: ****\n", "> Idempotency-Key: shown\n",
		"> X-Topic: shown too\n", "> X-Link: <http://a/?b=****&c=****>; rel=self\n",
		"> Origin: http://a\n", "> Ocp-Apim-Subscription-Key: ****\n", "< HTTP/1.1 200 OK\n",
		"< Content-Type: text/event-stream\n", "< Set-Cookie: ****\n")
	if strings.Contains(r.stderr, "s3cret") || strings.Contains(r.stderr, "\u009b") {
		t.Errorf("a secret or a control character is shown:\n%q", r.stderr)
	}
}

// As in curl, the user information of a URL is also sent after a redirect to the same host.
func TestRequestKeepsUserInfoOnRedirect(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "http://"+r.Host+"/to", http.StatusFound)
			return
		}
		echo(w, r)
	})
	r := runSSE(t, "", "--no-reconnect", "--data",
		strings.Replace(url, "://", "://me:pw@", 1)+"/from")
	if !strings.Contains(r.stdout, "Authorization=Basic bWU6cHc=\n") {
		t.Errorf("%+v", r)
	}
	r = runSSE(t, "", "--no-reconnect", "--data", "-H", "Authorization: Bearer t",
		strings.Replace(url, "://", "://me:pw@", 1)+"/from")
	if !strings.Contains(r.stdout, "Authorization=Bearer t\n") {
		t.Errorf("%+v", r)
	}
}

// The Last-Event-ID comes from the server, so it must be escaped.
func TestVerboseEscapesRequest(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "retry: 1\nid: \u009b31m\u202e\ndata: x\n\n")
	})
	r := runSSE(t, "", "-v", "--data", url)
	if strings.ContainsAny(r.stderr, "\u009b\u202e") ||
		!strings.Contains(r.stderr, `> Last-Event-Id: \x9b31m\u202e`) {
		t.Errorf("stderr = %q", r.stderr)
	}
}
