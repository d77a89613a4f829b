package sse

import (
	"context"
	"crypto/tls"
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
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	dns := &net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}
	handshake := &net.OpError{Op: "remote error", Err: tls.AlertError(40)}
	notTLS := tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}
	const s = time.Second
	// The policy adds 1 s, 2 s and so on.
	for _, test := range []struct {
		name    string
		client  Client
		answers []answer // after the last comes 204
		want    []time.Duration
	}{
		// It grows over what brings no progress.
		{"clean ends", Client{}, []answer{events(), events(":\n"), events("id:1\n\n")}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"cuts", Client{}, []answer{events("data:x"), events("data:x\n"), events(io.ErrUnexpectedEOF)}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"503", Client{}, []answer{respond(503), respond(503), respond(503)}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"refused", Client{}, []answer{failure(refused), failure(refused), failure(refused)}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"DNS", Client{}, []answer{failure(dns), failure(dns), failure(dns)}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"TLS", Client{}, []answer{failure(handshake), failure(notTLS), failure(handshake)}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"all of them", Client{}, []answer{failure(dns), events(), respond(500), events("data:")}, []time.Duration{2 * s, 3 * s, 4 * s, 5 * s}},
		// And begins anew where there was some.
		{"an event", Client{}, []answer{events("data:\n\n"), events("data:\n\n"), respond(503), events("data:\n\n", errors.New("reset"))},
			[]time.Duration{2 * s, 2 * s, 3 * s, 2 * s}},
		{"an event and a cut", Client{}, []answer{respond(503), events("data:\n\ndata:"), respond(503)}, []time.Duration{2 * s, 2 * s, 3 * s}},
		{"a silent minute", Client{}, []answer{respond(503), events(time.Minute), respond(503)}, []time.Duration{2 * s, 2 * s, 3 * s}},
		{"a silent 59 s", Client{}, []answer{respond(503), events(59 * s), respond(503)}, []time.Duration{2 * s, 3 * s, 4 * s}},
		{"a minute without headers", Client{}, []answer{respond(503), func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			return nil, refused
		}}, []time.Duration{2 * s, 3 * s}},

		{"ReconnectionTime", Client{ReconnectionTime: 5 * s}, []answer{events()}, []time.Duration{6 * s}},
		{"ReconnectionTime below zero", Client{ReconnectionTime: -1}, []answer{events()}, []time.Duration{s}},
		{"ReconnectionTime of a day", Client{ReconnectionTime: 24 * time.Hour}, []answer{events()}, []time.Duration{time.Hour + s}},

		{"retry", Client{}, []answer{events("retry:5000\n")}, []time.Duration{6 * s}},
		{"retry instead of ReconnectionTime", Client{ReconnectionTime: time.Minute}, []answer{events("retry:5000\n")}, []time.Duration{6 * s}},
		{"retry stays", Client{}, []answer{events("retry:5000\n\n"), respond(503), events(), events("retry:100\n"), events()},
			[]time.Duration{6 * s, 7 * s, 8 * s, 4*s + 100*time.Millisecond, 5*s + 100*time.Millisecond}},
		{"retry: 0", Client{}, []answer{events("retry:0\n"), events(), events("data:\n\n")}, []time.Duration{s, 2 * s, s}},
		{"retry of an hour", Client{}, []answer{events("retry:3600000\n")}, []time.Duration{time.Hour + s}},
		{"retry of a day", Client{}, []answer{events("retry:86400000\n")}, []time.Duration{time.Hour + s}},
		{"retry of MaxInt64 ns", Client{}, []answer{events("retry:9223372036854\n")}, []time.Duration{time.Hour + s}},
		{"retry of more", Client{}, []answer{events("retry:9223372036855\n")}, []time.Duration{time.Hour + s}},
		{"retry of MaxInt64", Client{}, []answer{events("retry:9223372036854775807\n")}, []time.Duration{time.Hour + s}},
		{"retry of 2^64", Client{}, []answer{events("retry:18446744073709551616\n")}, []time.Duration{time.Hour + s}},
		{"retry of 1,000 digits", Client{}, []answer{events("retry:" + strings.Repeat("9", 1000) + "\n")}, []time.Duration{time.Hour + s}},
		{"retry that is none", Client{}, []answer{events("retry:-1\nretry:+1\nretry:1e3\nretry:0x1\nretry:\nretry\nretry:1.5\nretry:٣\nretry:5 \n")},
			[]time.Duration{2 * s}},

		{"Retry-After", Client{}, []answer{respond(503, "Retry-After", "7"), respond(429, "Retry-After", "7"), respond(503)},
			[]time.Duration{8 * s, 9 * s, 4 * s}},
		{"Retry-After and retry", Client{}, []answer{events("retry:5000\n"), respond(503, "Retry-After", "7"), respond(503, "Retry-After", "3")},
			[]time.Duration{6 * s, 9 * s, 8 * s}},
		{"Retry-After of a stream", Client{}, []answer{func(*http.Request) (*http.Response, error) {
			resp := stream()
			resp.Header.Set("Retry-After", "60")
			return resp, nil
		}}, []time.Duration{2 * s}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
					if n > len(test.answers) {
						return status(204, ""), nil
					}
					return test.answers[n-1](r)
				})
				client.ReconnectionTime = test.client.ReconnectionTime
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
				equal(t, "waits that OnRetry was told", got, test.want)
				equal(t, "waits", waited, test.want)
			})
		})
	}
}

// What a policy adds is never less than nothing, and has no effect on what the server asked for.
func TestBackoffAddsToWait(t *testing.T) {
	p := retryPolicy{newBackoff: func() backoff.BackOff { return backoff.NewConstantBackOff(math.MaxInt64) }}
	for range 3 {
		if got, ok := p.nextWait(time.Hour); got != math.MaxInt64 || !ok {
			t.Errorf("the wait is %v, %t", got, ok)
		}
	}
	p = retryPolicy{newBackoff: func() backoff.BackOff { return nil }}
	if got, ok := p.nextWait(time.Hour); got <= time.Hour || !ok {
		t.Errorf("with a policy that is nil the wait is %v, %t", got, ok)
	}
}

func TestDefaultBackoffNeverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := DefaultBackoff()
		const runs = 200
		for range runs {
			policy.Reset()
			for _, middle := range []time.Duration{500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000} {
				middle *= time.Millisecond
				if d := policy.NextBackOff(); d < middle/2 || d > middle*3/2 {
					t.Fatalf("%v, want %v to %v", d, middle/2, middle*3/2)
				}
			}
		}
		// It never stops, not in a year of failures.
		for start := time.Now(); time.Since(start) < 365*24*time.Hour; time.Sleep(time.Hour) {
			if d := policy.NextBackOff(); d < 30*time.Second || d > 90*time.Second {
				t.Fatalf("%v after %v", d, time.Since(start))
			}
		}
	})
}

// The default policy never gives up, and never comes back sooner than the server asks.
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
			t.Errorf("the first wait is %v", waits[0])
		}
		for _, wait := range waits[20:] {
			if wait < 32*time.Second || wait > 92*time.Second {
				t.Errorf("a later wait is %v", wait)
			}
		}
		if n := len(waits); n < 7*24*60*60/92 || n > 7*24*60*60/32+20 {
			t.Errorf("%d attempts in a week", n)
		}
	})
}

// A policy with MaxElapsedTime counts from the end of the last connection that was good.
func TestStreamMaxElapsedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		noNetwork := errors.New("no network")
		var good time.Time
		client := newClient(t, func(n int, r *http.Request) (*http.Response, error) {
			switch n {
			case 1, 20:
				return stream("data:\n\n", 24*time.Hour), nil
			case 40:
				return stream(24 * time.Hour), nil
			}
			if n < 40 && n%20 > 3 {
				good = time.Now()
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
		if d := time.Since(good); d < 24*time.Hour+10*time.Minute || d > 24*time.Hour+20*time.Minute {
			t.Errorf("gave up %v after the last event, %v after the start", d, time.Since(start))
		}
		equal(t, "policies of one stream", policies, 1)
	})
}

// A policy is Reset before its first use, and then for each connection that was good.
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
		var p recorder
		client.Backoff = func() backoff.BackOff { return &p }
		_, err := data(get(t, client))
		equal(t, "Err()", err, nil)
		equal(t, "calls", []string(p), []string{"Reset", "Next", "Next", "Reset", "Next", "Next"})
	})
}

// Where the policy stops, the stream ends with the failure.
func TestStreamEndsWhenBackoffStops(t *testing.T) {
	noNetwork := errors.New("no network")
	for _, test := range []struct {
		name   string
		answer answer
		want   error
	}{
		{"failure", failure(noNetwork), noNetwork},
		{"clean end", events(), io.EOF},
		{"cut", events("data:x"), io.ErrUnexpectedEOF},
		{"silence", events(forever), ErrIdleTimeout},
		{"no header", stall, errHeaderTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, func(_ int, r *http.Request) (*http.Response, error) { return test.answer(r) })
			client.IdleTimeout = time.Minute
			client.HTTPClient.Timeout = time.Second
			client.Backoff = func() backoff.BackOff { return &backoff.StopBackOff{} }
			_, err := data(get(t, client))
			if !errors.Is(err, test.want) {
				t.Errorf("%s: Err() = %v, want %v", test.name, err, test.want)
			}
		})
	}
}

// A failure's text decides nothing where the server or the caller chose it.
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

// What net/http will not send is not tried again. It says so by texts that could change.
func TestStreamInvalidRequestIsPermanent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
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
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("short")), nil }
		},
		func(r *http.Request) { r.ContentLength = 10 },
		func(r *http.Request) { r.URL, _ = url.Parse(redirect.URL) },
	} {
		var err error
		known := false
		for n := 0; n < 100 && !known; n++ { // net/http may tell of the connection that it closed because of this
			req := newRequest(t, "QUERY", srv.URL, nil)
			change(req)
			client := &Client{
				HTTPClient: &http.Client{Transport: &http.Transport{}},
				OnRetry:    func(err error, _ time.Duration) { t.Errorf("would be tried again: %v", err) },
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
			t.Errorf("not known: %v", err)
		}
	}
	for _, text := range permanentErrors {
		if !seen[text] {
			t.Errorf("net/http does not say %q any more", text)
		}
	}
}

func TestStreamPermanentFailures(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
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
	if n, err = attempts(t, Client{}, loop.URL); n != 1 || requests.Load() != 10 || err == nil || !strings.Contains(err.Error(), "stopped after 10 redirects") {
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
	if n, err = attempts(t, Client{HTTPClient: follow3}, loop.URL); n != 1 || requests.Load() != 3 || !errors.Is(err, enough) {
		t.Errorf("the caller's CheckRedirect: %d attempts, %d requests, %v", n, requests.Load(), err)
	}
	var failed *ResponseError
	follow0 := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if n, err = attempts(t, Client{HTTPClient: follow0}, loop.URL); n != 1 || !errors.As(err, &failed) || failed.StatusCode != 302 {
		t.Errorf("ErrUseLastResponse: %d attempts, %v", n, err)
	}

	// These may pass.
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
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
		if name == "not a handshake" {
			want = 1 // a 400 in plain words
		}
		if n, err := attempts(t, client, url); n != want || err == nil {
			t.Errorf("%s: %d attempts, want %d: %v", name, n, want, err)
		}
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
			{s, outcome{err: refusal, responded: true, replayable: true}, verdict{err: refusal, wait: 3 * s}},
			{2 * s, outcome{err: io.EOF, opened: opened(s), replayable: true}, verdict{err: io.EOF, wait: 4 * s}},
			{3 * s, outcome{err: cut, opened: opened(2 * s), replayable: true}, verdict{err: cut, wait: 5 * s}},
		}},
		{"an event resets the backoff", []step{
			{0, outcome{err: network, replayable: true}, verdict{err: network, wait: 2 * s}},
			{s, outcome{err: cut, opened: opened(0), gotEvent: true, replayable: true}, verdict{err: cut, wait: 2 * s}},
		}},
		{"a minute resets the backoff", []step{
			{0, outcome{err: network, replayable: true}, verdict{err: network, wait: 2 * s}},
			{59 * s, outcome{err: cut, opened: opened(0), replayable: true}, verdict{err: cut, wait: 3 * s}},
			{119 * s, outcome{err: cut, opened: opened(59 * s), replayable: true}, verdict{err: cut, wait: 2 * s}},
		}},
		{"Retry-After", []step{
			{0, outcome{err: refusal, retryAfter: 7 * s, replayable: true}, verdict{err: refusal, wait: 8 * s}},
			{s, outcome{err: refusal, retryAfter: math.MaxInt64, replayable: true}, verdict{err: refusal, wait: time.Hour + 2*s}},
		}},
		{"a permanent error", []step{
			{0, outcome{err: permanent, replayable: true}, verdict{err: permanent, done: true}},
		}},
		{"an event that is too large", []step{
			{0, outcome{err: tooLarge, opened: opened(0), gotEvent: true, replayable: true}, verdict{err: tooLarge, done: true}},
		}},
		{"the clean end of a response that is not repeated", []step{
			{0, outcome{err: io.EOF, opened: opened(0)}, verdict{done: true}},
		}},
		{"EOF without a response to a request that is not repeated", []step{
			{0, outcome{err: io.EOF}, verdict{err: io.EOF, done: true}},
		}},
		{"a cut of a response that is not repeated", []step{
			{0, outcome{err: cut, opened: opened(0), gotEvent: true}, verdict{err: cut, done: true}},
		}},
		{"the idle timeout explains the error of net/http", []step{
			{0, outcome{err: network, cause: ErrIdleTimeout, replayable: true}, verdict{err: ErrIdleTimeout, wait: 2 * s}},
		}},
		{"a refusal explains more than the timeout that cut its body", []step{
			{0, outcome{err: refusal, cause: ErrIdleTimeout, replayable: true}, verdict{err: refusal, wait: 2 * s}},
		}},
		{"a permanent error explains more than Reconnect", []step{
			{0, outcome{err: permanent, cause: ErrReconnect, replayable: true}, verdict{err: permanent, done: true}},
		}},
		{"a body that CheckResponse closed", []step{
			{0, outcome{err: refusal, cause: http.ErrBodyReadAfterClose, replayable: true}, verdict{err: refusal, wait: 2 * s}},
		}},
		{"Reconnect skips one wait", []step{
			{0, outcome{err: network, cause: ErrReconnect, replayable: true}, verdict{err: ErrReconnect}},
			{s, outcome{err: refusal, cause: ErrReconnect, replayable: true}, verdict{err: ErrReconnect, wait: 2 * s}},
		}},
		{"Reconnect skips another wait after an event", []step{
			{0, outcome{err: network, cause: ErrReconnect, replayable: true}, verdict{err: ErrReconnect}},
			{s, outcome{err: network, cause: ErrReconnect, opened: opened(0), gotEvent: true, replayable: true}, verdict{err: ErrReconnect}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := retryPolicy{reconnectionTime: s, newBackoff: func() backoff.BackOff { return &growing{} }}
			for i, step := range test.steps {
				if got := p.decide(step.outcome, start.Add(step.at)); got != step.want {
					t.Errorf("step %d: %+v, want %+v", i, got, step.want)
				}
			}
		})
	}
}

func TestRetryPolicyCountsTimeouts(t *testing.T) {
	timeout := outcome{err: ErrIdleTimeout, cause: ErrIdleTimeout, replayable: true}
	afterResponse := timeout
	afterResponse.responded = true
	other := outcome{err: io.EOF, replayable: true}
	var p retryPolicy
	for i, step := range []struct {
		outcome outcome
		want    int
	}{{timeout, 1}, {timeout, 2}, {afterResponse, 1}, {timeout, 2}, {other, 0}, {afterResponse, 1}} {
		p.decide(step.outcome, time.Now())
		if p.timeouts != step.want {
			t.Errorf("step %d: %d timeouts, want %d", i, p.timeouts, step.want)
		}
	}
}
