// Flags is a service whose behaviour depends on feature flags that it receives as an event stream.
package main

import (
	"context"
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
	"golang.org/x/sync/errgroup"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` of the service")
	url := flag.String("url", "", "base `URL` of the flag server; if empty, a fake one is started")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *url, os.Getenv("FLAGS_SECRET")); err != nil {
		slog.Error("flags ended", "err", err)
		os.Exit(1)
	}
}

// run runs the service until ctx ends or the flags cannot be followed any more.
func run(ctx context.Context, listen, url, secret string) error {
	if url == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		url, secret = "http://"+l.Addr().String(), "fake"
		fake := &fakeServer{secret: secret, lifetime: 30 * time.Second}
		go http.Serve(l, fake.handler())
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	slog.Info("listening", "url", "http://"+l.Addr().String())

	group, ctx := errgroup.WithContext(ctx)
	registry := prometheus.NewRegistry()
	client, err := newClient(ctx, http.DefaultClient, url, secret, registry)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", client.serveGreeting)
	mux.HandleFunc("GET /healthz", client.serveHealth)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	group.Go(func() error { return client.follow(ctx) })
	group.Go(func() error {
		if err := server.Serve(l); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(ctx) // waits for the requests in progress
	})
	return group.Wait()
}
