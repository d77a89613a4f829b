package sse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

func TestStreamWaits(t *testing.T) {
	refused := &net.OpError{
		Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}
	late := func(*http.Request) (*http.Response, error) {
		time.Sleep(time.Minute)
		return nil, refused
	}
	dns := &net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}
	handshake := &net.OpError{Op: "remote error", Err: tls.AlertError(40)}
	notTLS := tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}
	const s = time.Second
	type responses []responder
	type waits []time.Duration
	// Backoff adds 1 s, 2 s and so on.
	for _, test := range []struct {
		name             string
		reconnectionTime time.Duration
		responses        responses // after the last there is a 204
		want             waits
	}{
		// The wait grows while there is no progress.
		{"clean ends", 0, responses{sends(), sends(":\n"), sends("id:1\n\n")},
			waits{2 * s, 3 * s, 4 * s}},
		{"cuts", 0, responses{sends("data:x"), sends("data:x\n"), sends(io.ErrUnexpectedEOF)},
			waits{2 * s, 3 * s, 4 * s}},
		{"503", 0, responses{refuses(503), refuses(503), refuses(503)}, waits{2 * s, 3 * s, 4 * s}},
		{"refused", 0, responses{fails(refused), fails(refused), fails(refused)},
			waits{2 * s, 3 * s, 4 * s}},
		{"DNS", 0, responses{fails(dns), fails(dns), fails(dns)}, waits{2 * s, 3 * s, 4 * s}},
		{"TLS", 0, responses{fails(handshake), fails(notTLS), fails(handshake)},
			waits{2 * s, 3 * s, 4 * s}},
		{"all of them", 0, responses{fails(dns), sends(), refuses(500), sends("data:")},
			waits{2 * s, 3 * s, 4 * s, 5 * s}},
		// After progress the wait starts again.
		{"an event", 0, responses{sends("data:\n\n"), sends("data:\n\n"), refuses(503),
			sends("data:\n\n", errors.New("reset"))}, waits{2 * s, 2 * s, 3 * s, 2 * s}},
		{"an event and a cut", 0, responses{refuses(503), sends("data:\n\ndata:"), refuses(503)},
			waits{2 * s, 2 * s, 3 * s}},
		{"a silent minute", 0, responses{refuses(503), sends(time.Minute), refuses(503)},
			waits{2 * s, 2 * s, 3 * s}},
		{"a silent 59 s", 0, responses{refuses(503), sends(59 * s), refuses(503)},
			waits{2 * s, 3 * s, 4 * s}},
		{"a minute without headers", 0, responses{refuses(503), late}, waits{2 * s, 3 * s}},

		{"ReconnectionTime", 5 * s, responses{sends()}, waits{6 * s}},
		{"ReconnectionTime below zero", -1, responses{sends()}, waits{s}},
		{"ReconnectionTime of a day", 24 * time.Hour, responses{sends()}, waits{time.Hour + s}},

		{"retry", 0, responses{sends("retry:5000\n")}, waits{6 * s}},
		{"retry instead of ReconnectionTime", time.Minute, responses{sends("retry:5000\n")},
			waits{6 * s}},
		{"retry persists", 0, responses{sends("retry:5000\n\n"), refuses(503), sends(),
			sends("retry:100\n"), sends()},
			waits{6 * s, 7 * s, 8 * s, 4*s + 100*time.Millisecond, 5*s + 100*time.Millisecond}},
		{"retry: 0", 0, responses{sends("retry:0\n"), sends(), sends("data:\n\n")},
			waits{s, 2 * s, s}},
		{"retry of an hour", 0, responses{sends("retry:3600000\n")}, waits{time.Hour + s}},
		{"retry of a day", 0, responses{sends("retry:86400000\n")}, waits{time.Hour + s}},
		{"retry of MaxInt64 ns", 0, responses{sends("retry:9223372036854\n")},
			waits{time.Hour + s}},
		{"retry of more", 0, responses{sends("retry:9223372036855\n")}, waits{time.Hour + s}},
		{"retry of MaxInt64", 0, responses{sends("retry:9223372036854775807\n")},
			waits{time.Hour + s}},
		{"retry of 2^64", 0, responses{sends("retry:18446744073709551616\n")},
			waits{time.Hour + s}},
		{"retry of 1,000 digits", 0, responses{sends("retry:" + strings.Repeat("9", 1000) + "\n")},
			waits{time.Hour + s}},
		{"invalid retry", 0, responses{sends("retry:-1\nretry:+1\nretry:1e3\nretry:0x1\n" +
			"retry:\nretry\nretry:1.5\nretry:٣\nretry:5 \n")}, waits{2 * s}},

		{"Retry-After", 0, responses{refuses(503, "Retry-After", "7"),
			refuses(429, "Retry-After", "7"), refuses(503)}, waits{8 * s, 9 * s, 4 * s}},
		{"Retry-After and retry", 0, responses{sends("retry:5000\n"),
			refuses(503, "Retry-After", "7"), refuses(503, "Retry-After", "3")},
			waits{6 * s, 9 * s, 8 * s}},
		{"Retry-After of a stream", 0, responses{func(*http.Request) (*http.Response, error) {
			resp := stream()
			resp.Header.Set("Retry-After", "60")
			return resp, nil
		}}, waits{2 * s}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					if n > len(test.responses) {
						return status(204, ""), nil
					}
					return test.responses[n-1](r)
				})
				client.ReconnectionTime = test.reconnectionTime
				var got, waited []time.Duration
				var last time.Time
				client.OnRetry = func(_ error, wait time.Duration) {
					got = append(got, wait)
					last = time.Now()
				}
				client.Prepare = func(*http.Request) error {
					if !last.IsZero() {
						waited = append(waited, time.Since(last))
					}
					return nil
				}
				_, err := data(get(t, client))
				equal(t, "Err()", err, nil)
				equal(t, "waits passed to OnRetry", got, test.want)
				equal(t, "waits", waited, test.want)
			})
		})
	}
}

// Whatever the policy returns, the wait does not overflow and is not shorter than the
// reconnection time.
func TestBackoffAddsToWait(t *testing.T) {
	p := retryPolicy{newBackoff: func() backoff.BackOff {
		return backoff.NewConstantBackOff(math.MaxInt64)
	}}
	for range 3 {
		if got, ok := p.nextWait(time.Hour); got != math.MaxInt64 || !ok {
			t.Errorf("the wait is %v, %t", got, ok)
		}
	}
	p = retryPolicy{newBackoff: func() backoff.BackOff { return nil }}
	if got, ok := p.nextWait(time.Hour); got <= time.Hour || !ok {
		t.Errorf("with a nil policy the wait is %v, %t", got, ok)
	}
}

func TestDefaultBackoffNeverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := DefaultBackoff()
		const runs = 200
		for range runs {
			policy.Reset()
			for _, middle := range []time.Duration{
				500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000,
			} {
				middle *= time.Millisecond
				if d := policy.NextBackOff(); d < middle/2 || d > middle*3/2 {
					t.Fatalf("%v, want %v to %v", d, middle/2, middle*3/2)
				}
			}
		}
		// It does not stop in a year of failures.
		for start := time.Now(); time.Since(start) < 365*24*time.Hour; time.Sleep(time.Hour) {
			if d := policy.NextBackOff(); d < 30*time.Second || d > 90*time.Second {
				t.Fatalf("%v after %v", d, time.Since(start))
			}
		}
	})
}

// With the default policy a stream never gives up, and never reconnects before the reconnection
// time is over.
func TestStreamNeverGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var waits []time.Duration
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if time.Since(start) > 7*24*time.Hour {
				return status(204, ""), nil
			}
			if n%2 == 0 {
				return stream("retry:2000\n"), nil
			}
			return nil, errors.New("no network")
		})
		client.Backoff = nil
		client.OnRetry = func(_ error, wait time.Duration) { waits = append(waits, wait) }
		if _, err := data(get(t, client)); err != nil {
			t.Errorf("Err() = %v", err)
		}
		if waits[0] < 1250*time.Millisecond || waits[0] > 1750*time.Millisecond {
			t.Errorf("the first wait is %v, want between 1250 ms and 1750 ms", waits[0])
		}
		for _, wait := range waits[20:] {
			if wait < 32*time.Second || wait > 92*time.Second {
				t.Errorf("a later wait is %v, want between 32 s and 92 s", wait)
			}
		}
		if n := len(waits); n < 7*24*60*60/92 || n > 7*24*60*60/32+20 {
			t.Errorf("%d attempts in a week", n)
		}
	})
}

// A policy with MaxElapsedTime measures from the end of the last connection that made progress.
func TestStreamMaxElapsedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		noNetwork := errors.New("no network")
		var lastEvent time.Time
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1, 20:
				return stream("data:\n\n", 24*time.Hour), nil
			case 40:
				return stream(24 * time.Hour), nil
			}
			if n < 40 && n%20 > 3 {
				lastEvent = time.Now()
				return stream("data:\n\n"), nil
			}
			return nil, noNetwork
		})
		policies := 0
		client.Backoff = func() backoff.BackOff {
			policies++
			return backoff.NewExponentialBackOff(backoff.WithMaxElapsedTime(15 * time.Minute))
		}
		_, err := data(get(t, client))
		if !errors.Is(err, noNetwork) {
			t.Errorf("Err() = %v", err)
		}
		least, most := 24*time.Hour+10*time.Minute, 24*time.Hour+20*time.Minute
		if d := time.Since(lastEvent); d < least || d > most {
			t.Errorf("gave up %v after the last event, %v after the start", d, time.Since(start))
		}
		equal(t, "policies of one stream", policies, 1)
	})
}

// A policy is reset before its first use and after each connection that made progress.
func TestStreamResetsBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 3:
				return stream("data:\n\n"), nil
			case 5:
				return status(204, ""), nil
			}
			return nil, errors.New("no network")
		})
		var p recordingBackoff
		client.Backoff = func() backoff.BackOff { return &p }
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "calls", p, recordingBackoff{
			"Reset", "NextBackOff", "NextBackOff", "Reset", "NextBackOff", "NextBackOff",
		})
	})
}

// If the policy stops, the stream ends with the error of the last attempt.
func TestStreamEndsWhenBackoffStops(t *testing.T) {
	noNetwork := errors.New("no network")
	for _, test := range []struct {
		name    string
		respond responder
		want    error
	}{
		{"failure", fails(noNetwork), noNetwork},
		{"clean end", sends(), io.EOF},
		{"cut", sends("data:x"), io.ErrUnexpectedEOF},
		{"silence", sends(forever), ErrIdleTimeout},
		{"no header", stall, errHeaderTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, test.respond.always)
				client.IdleTimeout = time.Minute
				client.HTTPClient.Timeout = time.Second
				client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
				_, err := data(get(t, client))
				if !errors.Is(err, test.want) {
					t.Errorf("Err() = %v, want %v", err, test.want)
				}
			})
		})
	}
}

// If Backoff panics, and the caller recovers, the next attempt does not follow at once.
func TestStreamWaitsAfterPanicOfBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			if n == 3 {
				return status(204, ""), nil
			}
			return nil, errors.New("no network")
		})
		client.Backoff = func() backoff.BackOff { panic("Backoff") }
		s := get(t, client)
		for s.State() != StateClosed {
			func() {
				defer func() { recover() }()
				s.Next()
			}()
		}
		equal(t, "time", time.Since(start), 2*defaultReconnectionTime)
	})
}

// If the backoff policy closes the stream or cancels its context, that is the reason of the end,
// even if the policy then stops.
func TestStreamEndedByBackoff(t *testing.T) {
	for _, stop := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var s *Stream
			end := func() { s.Close() }
			client := newClient(t, fails(errors.New("no network")).always)
			client.Backoff = func() backoff.BackOff {
				end()
				if stop {
					return &backoff.StopBackOff{}
				}
				return &backoff.ZeroBackOff{}
			}
			client.OnRetry = func(error, time.Duration) { t.Error("OnRetry") }
			s = get(t, client)
			if s.Next() || s.Err() != nil {
				t.Errorf("stop %v: after Close, Err() = %v", stop, s.Err())
			}
			end = cancel
			s = client.Get(ctx, "http://example.com")
			if s.Next() || !errors.Is(s.Err(), context.Canceled) {
				t.Errorf("stop %v: after cancel, Err() = %v", stop, s.Err())
			}
		})
	}
}

// The text of an error does not make it permanent if the server or the caller chose the text.
func TestStreamRetriesForeignErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Join(permanentErrors, ", ")
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return status(503, text), nil
			case 2:
				return stream(errors.New(text)), nil
			case 3:
				return nil, errors.New("malformed MIME header: missing colon: " + text)
			}
			return status(204, ""), nil
		})
		calls := 0
		client.Prepare = func(*http.Request) error {
			if calls++; calls == 4 {
				return errors.New(text)
			}
			if calls == 5 {
				return &tls.CertificateVerificationError{Err: errors.New("of the token server")}
			}
			return nil
		}
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "attempts", calls, 6)
	})
}

// A request that net/http refuses to send is not repeated. net/http reports it only by the text
// of an error, which may change.
func TestStreamInvalidRequestIsPermanent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	}))
	defer srv.Close()
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://[::1/?secret")
		w.WriteHeader(http.StatusFound)
	}))
	defer redirect.Close()
	seen := make(map[string]bool)
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.URL.Scheme = "foo" },
		func(r *http.Request) { r.URL.Scheme = "" },
		func(r *http.Request) { r.Method = "B D"; r.Header.Set("Idempotency-Key", "1") },
		func(r *http.Request) { r.Header["A B"] = []string{"x"} },
		func(r *http.Request) { r.Header["A"] = []string{"x\x01"} },
		func(r *http.Request) { r.URL = nil },
		func(r *http.Request) { r.URL.Host = "" },
		func(r *http.Request) { r.RequestURI = "/" },
		func(r *http.Request) {
			r.ContentLength = 10
			r.Body = io.NopCloser(strings.NewReader("short"))
			r.GetBody = func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("short")), nil
			}
		},
		func(r *http.Request) { r.ContentLength = 10 },
		func(r *http.Request) { r.URL, _ = url.Parse(redirect.URL) },
	} {
		var err error
		known := false
		// net/http may instead report the connection that it closes because of the request.
		for n := 0; n < 100 && !known; n++ {
			req := newRequest(t, "QUERY", srv.URL, nil)
			change(req)
			client := &Client{
				HTTPClient: &http.Client{Transport: &http.Transport{}},
				OnRetry:    func(err error, _ time.Duration) { t.Errorf("OnRetry(%v)", err) },
				Backoff:    func() backoff.BackOff { return &backoff.StopBackOff{} },
			}
			_, err = data(client.Stream(req))
			client.HTTPClient.CloseIdleConnections()
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("Err() = %v", err)
			}
			for _, text := range permanentErrors {
				if strings.Contains(fmt.Sprint(err), text) {
					seen[text], known = true, true
				}
			}
		}
		if !known {
			t.Errorf("permanentErrors does not contain the text of %v", err)
		}
	}
	for _, text := range permanentErrors {
		if !seen[text] {
			t.Errorf("no error of net/http contains %q", text)
		}
	}
}

func TestStreamPermanentFailures(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	empty := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	srv := httptest.NewUnstartedServer(empty)
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	defer srv.Close()
	n, err := attempts(t, Client{HTTPClient: &http.Client{Transport: &http.Transport{}}}, srv.URL)
	var cert *tls.CertificateVerificationError
	if n != 1 || !errors.As(err, &cert) {
		t.Errorf("unknown authority: %d attempts, %v", n, err)
	}
	trusting := srv.Client()
	trusting.Transport.(*http.Transport).TLSClientConfig.ServerName = "other.example"
	if n, err = attempts(t, Client{HTTPClient: trusting}, srv.URL); n != 1 || !errors.As(err, &cert) {
		t.Errorf("another name: %d attempts, %v", n, err)
	}

	var requests atomic.Int32
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, r.URL.String()+"x", http.StatusFound)
	}))
	defer loop.Close()
	n, err = attempts(t, Client{}, loop.URL)
	if n != 1 || requests.Load() != 10 ||
		!strings.Contains(fmt.Sprint(err), "stopped after 10 redirects") {
		t.Errorf("redirect loop: %d attempts, %d requests, %v", n, requests.Load(), err)
	}
	enough := errors.New("enough")
	requests.Store(0)
	follow3 := &http.Client{CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) == 3 {
			return enough
		}
		return nil
	}}
	n, err = attempts(t, Client{HTTPClient: follow3}, loop.URL)
	if n != 1 || requests.Load() != 3 || !errors.Is(err, enough) {
		t.Errorf("CheckRedirect of the caller: %d attempts, %d requests, %v", n, requests.Load(), err)
	}
	var failed *ResponseError
	follow0 := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	n, err = attempts(t, Client{HTTPClient: follow0}, loop.URL)
	if n != 1 || !errors.As(err, &failed) || failed.StatusCode != 302 {
		t.Errorf("ErrUseLastResponse: %d attempts, %v", n, err)
	}

	// The first and the third of these failures are temporary.
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewUnstartedServer(empty)
	plain.Config.ErrorLog = quiet
	plain.Start()
	defer plain.Close()
	for name, url := range map[string]string{
		"refused":         closed.URL,
		"no TLS":          strings.Replace(plain.URL, "http:", "https:", 1),
		"no such host":    "http://name.invalid/",
		"not a handshake": strings.Replace(srv.URL, "https:", "http:", 1),
	} {
		client := Client{HTTPClient: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if name == "no such host" {
					return nil, &net.DNSError{Err: "no such host", Name: "name.invalid", IsNotFound: true}
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			},
		}}}
		want := 10
		switch name {
		case "not a handshake": // the server sends a 400 without TLS
			want = 1
		case "no TLS":
			want = 1
		}
		t.Run(name, func(t *testing.T) {
			if n, err := attempts(t, client, url); n != want || err == nil {
				t.Errorf("%d attempts, want %d: %v", n, want, err)
			}
		})
	}
}

func TestRetryPolicyDecide(t *testing.T) {
	type step struct {
		at      time.Duration // since the start
		outcome outcome
		want    verdict
	}
	const s = time.Second
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	opened := func(at time.Duration) time.Time { return start.Add(at) }
	refusal := &ResponseError{StatusCode: 503}
	permanent := backoff.Permanent(&ResponseError{StatusCode: 404})
	cut := io.ErrUnexpectedEOF
	network := errors.New("no route to host")
	tooLarge := fmt.Errorf("%w: more than 1 byte", ErrEventTooLarge)

	// The reconnection time is 1 s, and the backoff policy adds 1 s, 2 s and so on.
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"failures wait longer and longer", []step{
			{0, outcome{err: network, replayable: true}, verdict{err: network, wait: 2 * s}},
			{s, outcome{err: refusal, responded: true, replayable: true}, verdict{err: refusal,
				wait: 3 * s}},
			{2 * s, outcome{err: io.EOF, opened: opened(s), replayable: true}, verdict{err: io.EOF,
				wait: 4 * s}},
			{3 * s, outcome{err: cut, opened: opened(2 * s), replayable: true}, verdict{err: cut,
				wait: 5 * s}},
		}},
		{"an event resets the backoff", []step{
			{0, outcome{err: network, replayable: true}, verdict{err: network, wait: 2 * s}},
			{s, outcome{err: cut, opened: opened(0), gotEvent: true, replayable: true}, verdict{err: cut,
				wait: 2 * s}},
		}},
		{"a minute resets the backoff", []step{
			{0, outcome{err: network, replayable: true}, verdict{err: network, wait: 2 * s}},
			{59 * s, outcome{err: cut, opened: opened(0), replayable: true}, verdict{err: cut, wait: 3 * s}},
			{119 * s, outcome{err: cut, opened: opened(59 * s), replayable: true}, verdict{err: cut,
				wait: 2 * s}},
		}},
		{"Retry-After", []step{
			{0, outcome{err: refusal, retryAfter: 7 * s, replayable: true}, verdict{err: refusal,
				wait: 8 * s}},
			{s, outcome{err: refusal, retryAfter: math.MaxInt64, replayable: true}, verdict{err: refusal,
				wait: time.Hour + 2*s}},
		}},
		{"a permanent error", []step{
			{0, outcome{err: permanent, replayable: true}, verdict{err: permanent, done: true}},
		}},
		{"an event that is too large", []step{
			{0, outcome{err: tooLarge, opened: opened(0), gotEvent: true, replayable: true},
				verdict{err: tooLarge, done: true}},
		}},
		{"the clean end of a response that is not repeated", []step{
			{0, outcome{err: io.EOF, opened: opened(0), once: true}, verdict{done: true}},
		}},
		{"EOF without a response to a request that is not repeated", []step{
			{0, outcome{err: io.EOF}, verdict{err: io.EOF, done: true}},
		}},
		{"a cut of a response that is not repeated", []step{
			{0, outcome{err: cut, opened: opened(0), gotEvent: true}, verdict{err: cut, done: true}},
		}},
		{"the idle timeout explains the error of net/http", []step{
			{0, outcome{err: network, cause: ErrIdleTimeout, replayable: true}, verdict{err: ErrIdleTimeout,
				wait: 2 * s}},
		}},
		{"a refusal explains more than the timeout that cut its body", []step{
			{0, outcome{err: refusal, cause: ErrIdleTimeout, replayable: true}, verdict{err: refusal,
				wait: 2 * s}},
		}},
		{"a permanent error explains more than Reconnect", []step{
			{0, outcome{err: permanent, cause: ErrReconnect, replayable: true}, verdict{err: permanent,
				done: true}},
		}},
		{"the third TLS alert explains more than Reconnect", []step{
			{0, outcome{err: network, tlsAlert: true, replayable: true}, verdict{err: network,
				wait: 2 * s}},
			{s, outcome{err: network, tlsAlert: true, replayable: true}, verdict{err: network,
				wait: 3 * s}},
			{2 * s, outcome{err: network, tlsAlert: true, cause: ErrReconnect, replayable: true},
				verdict{err: network, done: true}},
		}},
		{"a body that CheckResponse closed", []step{
			{0, outcome{err: refusal, cause: http.ErrBodyReadAfterClose, replayable: true},
				verdict{err: refusal, wait: 2 * s}},
		}},
		{"Reconnect skips the wait", []step{
			{s, outcome{err: network, cause: ErrReconnect, skipWait: true, started: start, replayable: true},
				verdict{err: ErrReconnect}},
		}},
		{"Reconnect does not skip the least interval between two attempts", []step{
			{400 * time.Millisecond, outcome{err: network, cause: ErrReconnect, skipWait: true,
				started: start, replayable: true},
				verdict{err: ErrReconnect, wait: 600 * time.Millisecond}},
		}},
		{"Reconnect that must not skip a wait", []step{
			{s, outcome{err: refusal, cause: ErrReconnect, replayable: true}, verdict{err: ErrReconnect,
				wait: 2 * s}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := retryPolicy{
				reconnectionTime: s,
				newBackoff:       func() backoff.BackOff { return &linearBackoff{} },
			}
			for i, step := range test.steps {
				got := p.decide(step.outcome, start.Add(step.at))
				got.earliest, got.closeIdle = time.Time{}, false
				if got != step.want {
					t.Errorf("step %d: %+v, want %+v", i, got, step.want)
				}
			}
		})
	}
}

// A dead connection is left after the first timeout if it is idle then, and after the second even
// if other requests use it. A server that is being drained is left after its second refusal.
func TestRetryPolicyLeavesConnections(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	start := time.Now()
	dialing := outcome{err: errHeaderTimeout, cause: errHeaderTimeout, replayable: true}
	unused := dialing
	unused.conn = client
	shared := unused
	shared.connReused = true
	silent := shared
	silent.cause, silent.responded, silent.opened = ErrIdleTimeout, true, start
	empty := outcome{err: io.EOF, responded: true, opened: start, conn: client, replayable: true}
	refused := outcome{err: &ResponseError{StatusCode: 503}, responded: true, conn: client,
		replayable: true}
	event := empty
	event.gotEvent = true

	const keep, closeIdle, abandon = "keep", "closeIdle", "closeIdle and abandon"
	type step struct {
		outcome outcome
		want    string
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"timeouts while dialing", []step{{dialing, closeIdle}, {dialing, closeIdle}, {dialing,
			closeIdle}}},
		{"timeouts of new connections", []step{{unused, closeIdle}, {unused, closeIdle}, {unused,
			closeIdle}}},
		{"timeouts of a shared connection", []step{{shared, closeIdle}, {shared, abandon}, {shared,
			abandon}}},
		{"a shared connection after dialing", []step{{dialing, closeIdle}, {shared, closeIdle}, {dialing,
			closeIdle}, {shared, abandon}}},
		{"a stream that falls silent each time", []step{{silent, closeIdle}, {silent, closeIdle},
			{silent, closeIdle}}},
		{"a silent stream, and no response then", []step{{silent, closeIdle}, {shared, abandon}}},
		{"another failure between", []step{{shared, closeIdle}, {empty, keep}, {shared, closeIdle}}},
		{"refusals", []step{{refused, keep}, {refused, closeIdle}, {refused, closeIdle}}},
		{"responses without events", []step{{empty, keep}, {empty, closeIdle}, {refused, closeIdle}}},
		{"an event between", []step{{refused, keep}, {event, keep}, {refused, keep}, {empty, closeIdle}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p retryPolicy
			for i, step := range test.steps {
				got := keep
				switch v := p.decide(step.outcome, start.Add(time.Second)); {
				case v.abandon != nil && v.closeIdle:
					got = abandon
				case v.abandon != nil:
					t.Errorf("step %d: abandon without closeIdle", i)
				case v.closeIdle:
					got = closeIdle
				}
				if got != step.want {
					t.Errorf("step %d: %s, want %s", i, got, step.want)
				}
			}
		})
	}
}

// Failures that another attempt would not change end the stream, also those that a transport
// returns without the types of net/http.
func TestStreamPermanentErrorTypes(t *testing.T) {
	port := &net.OpError{Op: "dial", Net: "tcp", Err: &net.AddrError{Err: "invalid port",
		Addr: "99999"}}
	for name, err := range map[string]error{
		"an invalid port":      port,
		"no TLS":               http.ErrSchemeMismatch,
		"an unknown authority": x509.UnknownAuthorityError{},
		"another host name": x509.HostnameError{Certificate: &x509.Certificate{},
			Host: "example.com"},
		"an expired certificate": x509.CertificateInvalidError{Reason: x509.Expired},
		"Permanent":              Permanent(errors.New("no")),
		"backoff.Permanent":      backoff.Permanent(errors.New("no")),
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			client := newClient(t, func(attempt int, _ *http.Request) (*http.Response, error) {
				n = attempt
				return nil, err
			})
			if _, got := data(get(t, client)); got == nil || n != 1 {
				t.Errorf("%d attempts, Err() = %v", n, got)
			}
		})
	}
	// The resolver of the host decides on the text of this one.
	n, err := attempts(t, Client{}, "http://127.0.0.1:99999/")
	if n != 1 || err == nil {
		t.Errorf("an invalid port: %d attempts, %v", n, err)
	}
}

// Permanent marks an error of a hook as final, and Err returns that error.
func TestPermanent(t *testing.T) {
	if Permanent(nil) != nil {
		t.Error("Permanent(nil) is not nil")
	}
	denied := errors.New("denied")
	for name, set := range map[string]func(*Client){
		"Prepare": func(c *Client) {
			c.Prepare = func(*http.Request) error { return Permanent(denied) }
		},
		"CheckResponse": func(c *Client) {
			c.CheckResponse = func(*http.Response) error { return Permanent(denied) }
		},
		"wrapped": func(c *Client) {
			c.Prepare = func(*http.Request) error { return fmt.Errorf("token: %w", Permanent(denied)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, sends("data:a\n\n").always)
			set(client)
			client.OnRetry = func(error, time.Duration) { t.Error("OnRetry was called") }
			if _, err := data(get(t, client)); !errors.Is(err, denied) {
				t.Errorf("Err() = %v", err)
			}
		})
	}
}

// Three TLS alerts in a row that reject the client end the stream. Another failure between them
// starts the count again.
func TestStreamTLSAlerts(t *testing.T) {
	alert := func(n uint8) error {
		return &net.OpError{Op: "remote error", Err: tls.AlertError(n)}
	}
	const badCertificate, handshakeFailure, unknownCA, protocolVersion, certificateRequired = 42, 40,
		48, 70, 116
	other := errors.New("no route to host")
	for _, test := range []struct {
		name string
		errs []error // of the attempts; then 204
		want int     // attempts
	}{
		{"bad certificate", []error{alert(badCertificate), alert(badCertificate), alert(badCertificate),
			other}, 3},
		{"several", []error{alert(unknownCA), alert(protocolVersion), alert(certificateRequired), other},
			3},
		{"two", []error{alert(unknownCA), alert(unknownCA)}, 3},
		{"another failure between", []error{alert(unknownCA), alert(unknownCA), other, alert(unknownCA),
			alert(unknownCA)}, 6},
		{"handshake failure", []error{alert(handshakeFailure), alert(handshakeFailure),
			alert(handshakeFailure), alert(handshakeFailure)}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				client := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
					if attempts = n; n <= len(test.errs) {
						return nil, test.errs[n-1]
					}
					return status(204, ""), nil
				})
				_, err := data(get(t, client))
				if attempts != test.want || (err == nil) != (test.want > len(test.errs)) {
					t.Errorf("%d attempts, want %d: %v", attempts, test.want, err)
				}
			})
		})
	}
}

// The alerts are recognized as crypto/tls reports those of a real server.
func TestStreamTLSAlertOfServer(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	defer srv.Close()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = srv.Config.ErrorLog
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	old.StartTLS()
	defer old.Close()
	client12 := old.Client()
	client12.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS12
	for name, test := range map[string]struct {
		client *http.Client
		url    string
	}{
		"certificate required": {srv.Client(), srv.URL},
		"protocol version":     {client12, old.URL},
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := attempts(t, Client{HTTPClient: test.client}, test.url); n != maxTLSAlerts {
				t.Errorf("%d attempts, want %d: %v", n, maxTLSAlerts, err)
			}
		})
	}
}
