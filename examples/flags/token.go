package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A tokenSource authorizes the requests of one stream. It needs no lock, because a stream calls all
// its hooks on one goroutine.
type tokenSource struct {
	client *http.Client
	config clientcredentials.Config
	token  *oauth2.Token
}

// prepare sets the token of a request. It is called once for each attempt, after the wait of the
// stream. The waits grow, so the server is not flooded even if it refuses every token.
func (s *tokenSource) prepare(req *http.Request) error {
	if !s.token.Valid() {
		ctx, cancel := context.WithTimeout(req.Context(), 10*time.Second)
		defer cancel()
		token, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
		if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
			// The text of e quotes the whole response.
			err = fmt.Errorf("the request for a token failed with status %d", e.Response.StatusCode)
			if e.Response.StatusCode == http.StatusUnauthorized {
				err = sse.Permanent(err)
			}
		}
		if err != nil {
			return err
		}
		s.token = token
	}
	s.token.SetAuthHeader(req)
	return nil
}

// check decides whether a response is accepted. By default a 401 would end the stream. Here it
// makes prepare request another token, because a token may expire or be revoked at any time.
func (s *tokenSource) check(resp *http.Response) error {
	if resp.StatusCode == http.StatusUnauthorized {
		s.token = nil
		return errors.New("the server does not accept the token")
	}
	return sse.DefaultCheckResponse(resp)
}
