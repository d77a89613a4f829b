package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/seed-0d85b69d/sse"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	keepAlive = 15 * time.Second // of the server
	maxAge    = 4 * keepAlive    // of the last byte, if the service is healthy
)

// A client follows the flags of a server.
type client struct {
	flags  flagSet
	stream *sse.Stream
	events *prometheus.CounterVec
}

// newClient returns a client for the server at url. The stream ends with ctx.
func newClient(
	ctx context.Context, httpClient *http.Client, url, secret string, reg prometheus.Registerer,
) (*client, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/stream", nil)
	if err != nil {
		return nil, err
	}
	metrics := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return metrics.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	connections := counter("flags_connections_total", "Connections that were accepted.")
	reconnects := counter("flags_reconnects_total", "Waits before another attempt.")
	tokens := &tokenSource{client: httpClient, config: clientcredentials.Config{
		ClientID: "flags", ClientSecret: secret,
		TokenURL: url + "/token", AuthStyle: oauth2.AuthStyleInHeader,
	}}
	c := &client{
		events: metrics.NewCounterVec(prometheus.CounterOpts{
			Name: "flags_events_total", Help: "Events, by type.",
		}, []string{"type"}),
		stream: (&sse.Client{
			HTTPClient:    httpClient,
			IdleTimeout:   3 * keepAlive,
			MaxEventSize:  16 << 20,
			Prepare:       tokens.prepare,
			CheckResponse: tokens.check,
			OnOpen:        func(*http.Response) { connections.Inc() },
			OnRetry:       func(error, time.Duration) { reconnects.Inc() },
			Logger:        slog.Default(),
		}).Stream(req),
	}
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "flags_last_byte_age_seconds", Help: "Time since the server has sent a byte.",
	}, func() float64 { return time.Since(c.stream.Stats().LastRead).Seconds() })
	return c, nil
}

// follow applies the events of the stream until it ends. It returns nil if its context has ended.
func (c *client) follow(ctx context.Context) error {
	for c.stream.Next() {
		typ := c.stream.Type()
		if err := c.flags.apply(typ, c.stream.Data()); err != nil {
			slog.Warn("event ignored", "err", err)
			typ = "invalid" // a label must not have any value that the server sends
		}
		c.events.WithLabelValues(typ).Inc()
	}
	if ctx.Err() != nil {
		return nil
	}
	return cmp.Or(c.stream.Err(), errors.New("the flag server has ended the stream"))
}

// serveGreeting serves a greeting that depends on two flags.
func (c *client) serveGreeting(w http.ResponseWriter, _ *http.Request) {
	text := value(&c.flags, "greeting", "Hello")
	if value(&c.flags, "shout", false) {
		text = strings.ToUpper(text)
	}
	fmt.Fprintln(w, text)
}

// serveHealth reports whether the flags are current. It is for a readiness probe: to restart the
// service does not help if the flag server cannot be reached.
func (c *client) serveHealth(w http.ResponseWriter, _ *http.Request) {
	stats := c.stream.Stats()
	health := map[string]any{"state": stats.State.String(), "last_byte": stats.LastRead}
	if stats.LastErr != nil {
		health["last_error"] = stats.LastErr.Error()
	}
	if !stats.NextAttempt.IsZero() {
		health["next_attempt"] = stats.NextAttempt
	}
	health["ready"] = c.flags.ready() && time.Since(stats.LastRead) < maxAge
	w.Header().Set("Content-Type", "application/json")
	if health["ready"] == false {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(health)
}
