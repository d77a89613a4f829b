package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/seed-0d85b69d/sse"
)

const (
	subject   = "orders"
	leaseTTL  = 3 * time.Second
	leaseTerm = 2 * time.Second // shorter, because stopping takes time and clocks differ in speed
)

//go:embed index.html htmx/*.js
var files embed.FS

// A replica is one process of the service. Each replica serves browsers from JetStream. One of
// them, the leader, copies the stream of the upstream to JetStream.
type replica struct {
	name, upstream string // upstream is the address of the server that sends the stream
	js             jetstream.JetStream
	stream         jetstream.Stream
	kv             jetstream.KeyValue
}

// runReplica runs a replica until ctx ends, or until NATS has been unreachable for two minutes.
func runReplica(ctx context.Context, name, broker, upstream string) error {
	nc, err := nats.Connect(broker, nats.ClosedHandler(func(*nats.Conn) { log.Fatal("NATS is down") }))
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	// There is no MaxAge. The last message must remain, because it contains the ID that the next
	// leader resumes from.
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "ORDERS", Subjects: []string{subject}, MaxMsgs: 1e6, MaxBytes: 1 << 30})
	if err != nil {
		return err
	}
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "lease", TTL: leaseTTL})
	if err != nil {
		return err
	}
	socket, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		return err
	}
	r := &replica{fmt.Sprintf("%s (PID %d)", name, os.Getpid()), upstream, js, stream, kv}
	http.Handle("GET /", http.FileServerFS(files))
	http.HandleFunc("GET /events", r.serveEvents)
	go func() { log.Fatal((&http.Server{ReadHeaderTimeout: time.Minute}).Serve(socket)) }()
	for ctx.Err() == nil {
		if err := r.lead(ctx); !errors.Is(err, jetstream.ErrKeyExists) {
			log.Printf("replica %s does not lead: %v", r.name, err)
		}
		time.Sleep(leaseTTL / 6)
	}
	return ctx.Err()
}

// lead copies events while it holds the lease, which is a key that NATS deletes leaseTTL after its
// last update. If another replica holds the lease, lead returns jetstream.ErrKeyExists.
//
// A leader that cannot renew the lease stops before another replica can acquire it. Its time is
// the shorter leaseTerm, and begins before the update is sent. For NATS, the time begins when the
// update has arrived.
func (r *replica) lead(ctx context.Context) error {
	sent := time.Now()
	revision, err := r.kv.Create(ctx, "leader", []byte(r.name))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		for err == nil {
			time.Sleep(leaseTTL / 6)
			updateCtx, cancel := context.WithDeadline(ctx, sent.Add(leaseTerm))
			sent = time.Now()
			revision, err = r.kv.Update(updateCtx, "leader", []byte(r.name), revision)
			cancel()
		}
		stop(fmt.Errorf("renew the lease: %w", err))
	}()
	return r.copyEvents(ctx)
}

// copyEvents stores the events of the upstream in JetStream, each exactly once and in order.
//
// A message contains the event and, as its message ID, the event ID. JetStream stores it only if
// the sequence of the last message is the expected one. copyEvents reads the last message, which
// has sequence s and the ID of event e, and requests the events that follow e. So message s+1 can
// only be the event that follows e, whoever publishes it:
//
//   - Nothing is lost, because the upstream resumes after the event that was stored last.
//   - Nothing is stored twice, because JetStream refuses all other messages that expect s. That
//     includes those of an old leader that was paused, however late they arrive.
//   - If it is unknown whether a message was stored, because the response was lost, copyEvents
//     returns, and the next leader starts from the message that is the last one then.
//
// The lease alone would not be enough: it depends on clocks, and a process can be paused after it
// has looked at the clock. The lease only saves the other replica the work. The message ID alone
// would not be enough either: JetStream ignores a message if it has stored one with the same ID,
// but only within StreamConfig.Duplicates, which is two minutes by default.
func (r *replica) copyEvents(ctx context.Context) error {
	last, err := r.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		last = new(jetstream.RawStreamMsg) // the stream is empty
	} else if err != nil {
		return err
	}
	seq, id := last.Sequence, last.Header.Get(jetstream.MsgIDHeader)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.upstream, nil)
	if err != nil {
		return err
	}
	if id != "" {
		req.Header.Set("Last-Event-ID", id)
	}
	// NATS refuses messages of more than 1 MiB.
	stream := (&sse.Client{IdleTimeout: time.Minute, MaxEventSize: 512 << 10}).Stream(req)
	defer stream.Close()
	for stream.Next() {
		if stream.LastEventID() == id {
			return fmt.Errorf("an event after %q has no ID of its own", id)
		}
		id = stream.LastEventID()
		msg := &nats.Msg{Subject: subject, Data: []byte(stream.Event().Data),
			Header: nats.Header{"Published-By": {r.name}}}
		ack, err := r.js.PublishMsg(ctx, msg,
			jetstream.WithMsgID(id), jetstream.WithExpectLastSequence(seq))
		if err != nil {
			return fmt.Errorf("publish event %s: %w", id, err)
		}
		seq = ack.Sequence
	}
	return stream.Err()
}

// serveEvents sends the messages of JetStream that follow the one that the client received last.
// The ID of an event is the sequence of its message, so a client can resume at any replica.
func (r *replica) serveEvents(w http.ResponseWriter, req *http.Request) {
	last, _ := strconv.ParseUint(req.Header.Get("Last-Event-ID"), 10, 64) // zero if there is none
	info, err := r.stream.Info(req.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if last > info.State.LastSeq || last > 0 && last+1 < info.State.FirstSeq {
		http.Error(w, "the stream does not continue at the Last-Event-ID", http.StatusGone)
		return
	}
	consumer, err := r.stream.OrderedConsumer(req.Context(), jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: last + 1,
		InactiveThreshold: time.Minute})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	messages, err := consumer.Messages()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer messages.Stop()
	out, err := sse.NewWriter(w, req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	out.KeepAlive(15 * time.Second)
	for {
		msg, err := messages.Next(jetstream.NextContext(req.Context()))
		if err != nil {
			return // the client reconnects
		}
		meta, err := msg.Metadata()
		if err != nil || last > 0 && meta.Sequence.Stream != last+1 {
			return // a message was discarded before it could be sent, which the next request finds out
		}
		last = meta.Sequence.Stream
		data := html.EscapeString(fmt.Sprintf("%s, published by %s, sent by %s",
			msg.Data(), msg.Headers().Get("Published-By"), r.name))
		if out.Send(sse.Event{ID: fmt.Sprint(last), Data: "<li>" + data + "</li>"}) != nil {
			return
		}
	}
}
