package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

func TestMaxTimeIsATimeout(t *testing.T) {
	t.Parallel()
	silent := server(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	live := endless(t, "data: a\n\n")
	for _, test := range []struct {
		args   []string
		code   int
		stdout string
	}{
		{[]string{silent, "-m", "0.05"}, errtext.ExitTimeout, ""},
		{[]string{live, "--max-time", "300ms"}, errtext.ExitTimeout, "a\n"},
		{[]string{"http://127.0.0.1:1/", "-m1"}, errtext.ExitTimeout, ""},
		{[]string{live, "-m", "20s", "--for", "300ms"}, errtext.ExitDone, "a\n"},
		{[]string{live, "-m", "0", "-n", "1"}, errtext.ExitDone, "a\n"},
	} {
		r := runSSE(t, "", append(test.args, "--data")...)
		r.want(t, test.code, test.stdout)
		if test.code == errtext.ExitTimeout {
			r.wantStderr(t, "timeout: the time of --max-time is over\n")
		}
	}
	c := command(t, "-", "-m", "50ms")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	finish(t, c).want(t, errtext.ExitTimeout, "")
}

// writeKeyPair writes a new certificate and its key, and returns the certificate and the names of
// the files: of the certificate, of the key, and of both.
func writeKeyPair(t *testing.T) (cert *x509.Certificate, certFile, keyFile, bothFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "client"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return cert, write("cert", certPEM), write("key", keyPEM),
		write("a:b", append(certPEM, keyPEM...))
}

func TestClientCertificateIsSent(t *testing.T) {
	t.Parallel()
	cert, certFile, keyFile, bothFile := writeKeyPair(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: %s\n\n", r.TLS.PeerCertificates[0].Subject.CommonName)
		}))
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	escaped := strings.ReplaceAll(bothFile, ":", `\:`)
	for _, args := range [][]string{
		{"--cert", certFile, "--key", keyFile},
		{"-E", certFile + ":password", "--key=" + keyFile},
		{"--cert", escaped},
		{"--cert", escaped + ":password"},
	} {
		runSSE(t, "", append(args, s.URL, "-k", "--no-reconnect", "--data")...).want(t,
			errtext.ExitDone, "client\n")
	}
	r := runSSE(t, "", s.URL, "-k", "--no-reconnect", "--data")
	r.want(t, errtext.ExitError, "")

	encrypted := filepath.Join(t.TempDir(), "key")
	block := &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}
	if err := os.WriteFile(encrypted, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	r = runSSE(t, "", s.URL, "--cert", certFile+":s3cret", "--key", encrypted)
	r.want(t, errtext.ExitUsage, "")
	r.oneLine(t)
	r.wantStderr(t, `--key "`+encrypted+`": the key is encrypted; decrypt it with openssl pkey`)
}

func TestUnixSocketIsUsed(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "sse") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(echo)}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	c := command(t, "--unix-socket", socket, "http://stream.test/p", "--no-reconnect", "--data")
	c.Env = append(c.Env, "http_proxy=http://127.0.0.1:1") // has no effect, as in curl
	r := finish(t, c)
	if r.code != 0 || !strings.Contains(r.stdout, "host=stream.test\nuri=/p\n") {
		t.Errorf("%+v", r)
	}
	r = runSSE(t, "", "--unix-socket", socket+"x", "http://stream.test/p", "--no-reconnect")
	r.want(t, errtext.ExitError, "")
	r.wantStderr(t, "no such file or directory")
	r = runSSE(t, "", socket)
	r.want(t, errtext.ExitUsage, "")
	r.wantStderr(t, " is a socket; use --unix-socket ")
}

// cookies starts a server that sends the Cookie header of each request as an event, ends the
// response after it, and sets the cookie n to the number of the request. After three requests it
// responds with 204.
func cookies(t *testing.T) string {
	var n atomic.Int64
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		i := n.Add(1)
		if i > 3 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Set-Cookie", fmt.Sprintf("n=%d; Path=/", i))
		fmt.Fprintf(w, "retry: 0\ndata: %s\n\n", r.Header.Get("Cookie"))
	})
}

func TestCookiesAreKept(t *testing.T) {
	t.Parallel()
	netscape := "# Netscape HTTP Cookie File\n\n" +
		"127.0.0.1\tFALSE\t/\tFALSE\t0\ta\tb\n" +
		"#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tc\td\n" +
		"127.0.0.1\tFALSE\t/\tFALSE\t1\told\tx\n" +
		"127.0.0.1\tFALSE\t/elsewhere\tFALSE\t0\tpath\tx\n" +
		"other.test\tTRUE\t/\tFALSE\t0\tother\tx\n"
	headers := "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; domain=127.0.0.1; path=/\r\n" +
		"set-cookie: lost=x\r\n\r\n"
	file := filepath.Join(t.TempDir(), "cookies")
	if err := os.WriteFile(file, []byte(netscape), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args  []string
		stdin string
		want  string
	}{
		{[]string{"-b", ""}, "", "\nn=1\nn=2\n"},
		{[]string{"--cookie="}, "", "\nn=1\nn=2\n"},
		{[]string{"-b", "a=b"}, "", "a=b\na=b\na=b\n"},
		{[]string{"-b", "x=y", "-b", ""}, "", "x=y\nx=y; n=1\nx=y; n=2\n"},
		{[]string{"-b", file}, "", "a=b; c=d\na=b; c=d; n=1\na=b; c=d; n=2\n"},
		{[]string{"-b", "-"}, headers, "a=b\na=b; n=1\na=b; n=2\n"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			r := runSSE(t, test.stdin, append(test.args, cookies(t), "--data")...)
			r.want(t, errtext.ExitDone, test.want)
		})
	}
	r := runSSE(t, "", "check", "-b", file, "-v", cookies(t))
	r.wantStderr(t, "> Cookie: ****\n")
}

func TestHeadersOfFile(t *testing.T) {
	t.Parallel()
	const headers = "X-One: 1\r\n\r\n  X-Two: 2\nAccept:\nX-Empty;"
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte(headers), 0o600); err != nil {
		t.Fatal(err)
	}
	url := server(t, echo)
	for _, test := range []struct{ arg, stdin string }{{"@" + file, ""}, {"@-", headers}} {
		r := runSSE(t, test.stdin, "-H", test.arg, url, "--no-reconnect", "--data")
		for _, want := range []string{"X-One=1\n", "X-Two=2\n", "X-Empty=\n"} {
			if r.code != 0 || !strings.Contains(r.stdout, want) ||
				strings.Contains(r.stdout, "Accept=") {
				t.Errorf("-H %s: %+v, want %q", test.arg, r, want)
			}
		}
	}
	r := runSSE(t, "X-Api-Key s3cret\n", "-H", "@-", url)
	r.want(t, errtext.ExitUsage, "")
	if strings.Contains(r.stderr, "s3cret") {
		t.Errorf("a secret is shown: %s", r.stderr)
	}
}

func TestAuthorizationHeaderWinsOverUser(t *testing.T) {
	t.Parallel()
	url := server(t, echo)
	for _, test := range []struct{ header, want, not string }{
		{"Authorization: Bearer t", "Authorization=Bearer t\n", "Basic"},
		{"authorization;", "Authorization=\n", "Basic"},
		{"Authorization:", "", "Authorization="},
	} {
		for _, args := range [][]string{
			{"-u", "me:pw", url},
			{strings.Replace(url, "://", "://me:pw@", 1)},
		} {
			r := runSSE(t, "", append(args, "-H", test.header, "--no-reconnect", "--data")...)
			if r.code != 0 || !strings.Contains(r.stdout, test.want) ||
				strings.Contains(r.stdout, test.not) {
				t.Errorf("%q, %q: %+v", test.header, args, r)
			}
		}
	}
}

// failing starts a server that responds with 503 to the first n requests, and then sends an event
// and ends the response. The counter counts the requests.
func failing(t *testing.T, n int64) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= n {
			w.Header().Set("Retry-After-Ms", "1")
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s %s %q\n\n", r.Method, body, r.Header["Idempotency-Key"])
	}), requests
}

func TestRetryLimitsFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		failures int64
		args     []string
		code     int
		stdout   string
		requests int64
	}{
		{9, []string{"--retry", "0"}, errtext.ExitHTTP, "", 1},
		{9, []string{"--retry", "1"}, errtext.ExitHTTP, "", 2},
		{1, []string{"--retry", "1", "-n", "1"}, errtext.ExitDone, "GET  []\n", 2},
		{0, []string{"--retry", "0"}, errtext.ExitDone, "GET  []\n", 1},
		// As in curl, a POST is repeated as well. The response is complete after a clean end.
		{1, []string{"--retry", "1", "-d", "x"}, errtext.ExitDone, "POST x []\n", 2},
		{1, []string{"-d", "x"}, errtext.ExitHTTP, "", 1},
		{1, []string{"--retry", "1", "-d", "x", "-H", "Idempotency-Key: k"}, errtext.ExitDone,
			`POST x ["k"]` + "\n", 2},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			url, requests := failing(t, test.failures)
			r := runSSE(t, "", append(test.args, url, "--data")...)
			r.want(t, test.code, test.stdout)
			if got := requests.Load(); got != test.requests {
				t.Errorf("%d requests, want %d", got, test.requests)
			}
		})
	}
	r := runSSE(t, "", "--retry", "1", "http://127.0.0.1:1/")
	r.want(t, errtext.ExitError, "")
	if got := strings.Count(r.stderr, "connection refused"); got != 2 {
		t.Errorf("%d failures reported, want 2:\n%s", got, r.stderr)
	}
}
