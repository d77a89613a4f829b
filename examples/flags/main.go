// Flags is a service whose behaviour depends on feature flags that it receives as an event stream.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` of the service")
	url := flag.String("url", "", "base `URL` of the flag server; if empty, a fake one is started")
	flag.Parse()
	secret := os.Getenv("FLAGS_SECRET")
	if *url == "" {
		*url, secret = startFakeServer()
	}
	if err := run(*listen, *url, secret); err != nil {
		slog.Error("flags ended", "err", err)
		os.Exit(1)
	}
}

// run runs the service until a signal ends it, the flags cannot be followed any more or the HTTP
// server fails.
func run(listen, url, secret string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := newClient(ctx, http.DefaultClient, url, secret, prometheus.DefaultRegisterer)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	slog.Info("listening", "url", "http://"+l.Addr().String())
	http.HandleFunc("GET /{$}", client.serveGreeting)
	http.HandleFunc("GET /healthz", client.serveHealth)
	http.Handle("GET /metrics", promhttp.Handler())
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second}

	ended := make(chan error, 2)
	go func() { ended <- client.follow(ctx) }()
	go func() { ended <- server.Serve(l) }()
	err = <-ended // the end of one of them ends the program

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(ctx)) // Shutdown waits for the requests in progress
}
