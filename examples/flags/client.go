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

// keepAlive is the longest pause of a flag server that works.
const keepAlive = 15 * time.Second

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
	events := metrics.NewCounterVec(prometheus.CounterOpts{
		Name: "flags_events_total", Help: "Events, by type.",
	}, []string{"type"})
	tokens := &tokenSource{client: httpClient, config: clientcredentials.Config{
		ClientID: "flags", ClientSecret: secret,
		TokenURL: url + "/token", AuthStyle: oauth2.AuthStyleInHeader,
	}}
	stream := (&sse.Client{
		HTTPClient:    httpClient,
		IdleTimeout:   3 * keepAlive,
		MaxEventSize:  16 << 20,
		Prepare:       tokens.prepare,
		CheckResponse: tokens.check,
		OnOpen:        func(*http.Response) { connections.Inc() },
		OnRetry:       func(error, time.Duration) { reconnects.Inc() },
		Logger:        slog.Default(),
	}).Stream(req)
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "flags_last_byte_age_seconds", Help: "Time since the server has sent a byte.",
	}, func() float64 { return time.Since(stream.Stats().LastRead).Seconds() })
	return &client{stream: stream, events: events}, nil
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

// serveHealth reports whether the flags are current. It is for a readiness probe and not for a
// liveness probe: a restart does not help if the flag server cannot be reached.
func (c *client) serveHealth(w http.ResponseWriter, _ *http.Request) {
	stats := c.stream.Stats()
	ready := c.flags.ready() && time.Since(stats.LastRead) < 4*keepAlive
	health := map[string]any{
		"ready": ready, "state": stats.State.String(), "last_byte": stats.LastRead,
	}
	if stats.LastErr != nil {
		health["last_error"] = stats.LastErr.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(health)
}
