// Ledger books the transfers of an event stream in a SQLite database, each exactly once and in
// order, even if the process is killed at any moment.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// maxEntries is the largest number of entries of a transfer. It limits the memory that a server can
// make the process use by never sending an ID.
const maxEntries = 1000

func main() {
	file := flag.String("db", "ledger.db", "the database `file`")
	url := flag.String("url", "", "the `URL` of the stream; if empty, a server is started")
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *file, *url); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, file, url string) error {
	if url == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: bank{time.Second / 4}, ReadHeaderTimeout: time.Minute}
		defer server.Close()
		go server.Serve(l)
		url = "http://" + l.Addr().String()
	}
	l, err := openLedger(ctx, file)
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	defer l.db.Close()
	return follow(ctx, l, url)
}

// follow books the transfers of the stream at url, starting after the last one that l contains.
//
// A transfer consists of several events, the entries. The server sets the ID of the transfer on the
// last of them, so a transfer is complete when the last event ID changes. If the connection is lost
// or the process is killed before that, the server sends the whole transfer again, because it
// resumes after the last event ID.
func follow(ctx context.Context, l *ledger, url string) error {
	last, err := l.lastEventID(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("the last booked transfer is %q\n", last)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	var transfer []entry // those received on this connection since the last event ID changed
	client := &sse.Client{
		IdleTimeout:  time.Minute,
		MaxEventSize: 64 << 10,
		OnOpen:       func(*http.Response) { transfer = nil },
		OnRetry: func(err error, wait time.Duration) {
			log.Printf("%v, next attempt in %v", err, wait.Round(time.Millisecond))
		},
	}
	stream := client.Stream(req)
	for e, err := range sse.Decode(stream, sse.JSON[entry]) {
		if err != nil {
			return err
		}
		if transfer = append(transfer, e); len(transfer) > maxEntries {
			return fmt.Errorf("more than %d events follow the ID %q without an ID", maxEntries, last)
		}
		id := stream.LastEventID()
		if id == last {
			continue
		}
		if err := l.book(ctx, last, id, transfer); err != nil {
			return fmt.Errorf("book transfer %s: %w", id, err)
		}
		fmt.Println("booked transfer", id)
		transfer, last = nil, id
	}
	return nil
}
