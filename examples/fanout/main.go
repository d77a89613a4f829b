// Fanout distributes an event stream to many browsers, through two replicas of a service that may
// be killed at any moment. The service is in replica.go. This file starts what surrounds it: an
// upstream that sends the stream, a NATS server that stores it, and the processes of the replicas.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/seed-0d85b69d/sse"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "the `address` for browsers")
	pause := flag.Duration("pause", time.Second/2, "the `time` between two events of the upstream")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if flag.NArg() == 3 { // started by run
		log.Fatal(runReplica(ctx, flag.Arg(0), flag.Arg(1), flag.Arg(2)))
	}
	if err := run(ctx, *listen, *pause); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen string, pause time.Duration) error {
	dir, err := os.MkdirTemp("", "fanout")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: dir, NoSigs: true})
	if err != nil {
		return err
	}
	defer broker.Shutdown()
	if broker.Start(); !broker.ReadyForConnections(time.Minute) {
		return errors.New("the NATS server does not start")
	}
	upstream, err1 := net.Listen("tcp", "127.0.0.1:0")
	public, err2 := net.Listen("tcp", listen)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	go http.Serve(upstream, orders(pause))
	// Both replicas accept connections on the same socket, which stands for a load balancer.
	socket, err := public.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	log.Printf("open http://%s", public.Addr())
	var replicas sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		replicas.Go(func() {
			for ctx.Err() == nil { // like an orchestrator, replace a process that has ended
				cmd := exec.CommandContext(ctx, os.Args[0], name, broker.ClientURL(), upstream.Addr().String())
				cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdout, os.Stderr, []*os.File{socket}
				log.Printf("replica %s: %v", name, cmd.Run())
				time.Sleep(time.Second)
			}
		})
	}
	replicas.Wait()
	return nil
}

// orders returns the handler of the upstream. It sends the orders 1, 2, 3 and so on, starting
// after the order that the Last-Event-ID header names.
func orders(pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.Header.Get("Last-Event-ID")) // zero if there is no such header
		out, err := sse.NewWriter(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer out.Close()
		for ; err == nil; time.Sleep(pause) {
			n++
			err = out.Send(sse.Event{ID: strconv.Itoa(n), Data: "order " + strconv.Itoa(n)})
		}
	}
}
