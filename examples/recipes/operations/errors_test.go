package operations

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: token
// newClient returns a Client for one stream. It gets its tokens from token, whose argument renew
// says that the server has refused the last one.
func newClient(token func(ctx context.Context, renew bool) (string, error)) *sse.Client {
	renew := false
	return &sse.Client{
		Prepare: func(r *http.Request) error {
			value, err := token(r.Context(), renew)
			r.Header.Set("Authorization", "Bearer "+value)
			return err // if it is not nil, the request is not sent, and another attempt follows
		},
		CheckResponse: func(r *http.Response) error {
			err := sse.DefaultCheckResponse(r)
			var refused *sse.ResponseError
			expired := errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized
			if expired && !renew {
				renew = true
				return refused // without the mark of Permanent, so that another attempt follows
			}
			renew = false
			return err
		},
	}
}

// end

func TestToken(t *testing.T) {
	unauthorized := ssetest.Status(http.StatusUnauthorized)
	for _, test := range []struct {
		name   string
		script []http.Handler
		renew  []bool
		ok     bool
	}{
		{"expired", []http.Handler{
			hello(), ssetest.Conn{unauthorized},
			hello(ssetest.WantHeader("Authorization", "Bearer new")), ssetest.Conn{unauthorized},
			noContent,
		}, []bool{false, false, true, false, true}, true},
		{"refused twice", []http.Handler{
			hello(), ssetest.Conn{unauthorized}, ssetest.Conn{unauthorized},
		}, []bool{false, false, true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := ssetest.NewMemoryServer(t, test.script...)
				var got []bool
				client := newClient(func(_ context.Context, renew bool) (string, error) {
					got = append(got, renew)
					if renew {
						return "new", nil
					}
					return "old", nil
				})
				client.HTTPClient = srv.Client()
				stream := client.Get(t.Context(), srv.URL)
				defer stream.Close()
				for stream.Next() {
				}
				if err := stream.Err(); (err == nil) != test.ok {
					t.Errorf("got error %v", err)
				}
				if !slices.Equal(got, test.renew) {
					t.Errorf("got tokens with renew %v, want %v", got, test.renew)
				}
			})
		})
	}
}

// snippet: permanent-status
func checkQuota(r *http.Response) error {
	err := sse.DefaultCheckResponse(r)
	if r.StatusCode == http.StatusTooManyRequests {
		err = sse.Permanent(err) // by default, the request is repeated
	}
	return err
}

// end

// snippet: permanent-network
// A finalErrors ends a stream if the host does not exist.
type finalErrors struct{ *http.Transport }

func (t finalErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		err = sse.Permanent(err) // by default, the request is repeated
	}
	return resp, err
}

// end

func TestPermanentStatus(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Status(http.StatusTooManyRequests)})
	client := &sse.Client{CheckResponse: checkQuota}
	stream := client.Get(t.Context(), srv.URL)
	defer stream.Close()
	var refused *sse.ResponseError
	if stream.Next() || !errors.As(stream.Err(), &refused) {
		t.Errorf("got %v, want a ResponseError", stream.Err())
	}
}

func TestPermanentNetworkError(t *testing.T) {
	t.Parallel()
	dial := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "example.invalid", IsNotFound: true}
	}
	client := &sse.Client{
		HTTPClient: &http.Client{Transport: finalErrors{&http.Transport{DialContext: dial}}},
		OnRetry:    func(err error, _ time.Duration) { t.Errorf("another attempt after %v", err) },
	}
	stream := client.Get(t.Context(), "http://example.invalid")
	defer stream.Close()
	var dns *net.DNSError
	if stream.Next() || !errors.As(stream.Err(), &dns) {
		t.Errorf("got %v, want a DNSError", stream.Err())
	}
}
