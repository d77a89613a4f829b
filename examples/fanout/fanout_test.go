//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/seed-0d85b69d/sse"
)

// TestMain runs the program instead of the tests if the process was started by startProgram, or by
// the program.
func TestMain(m *testing.M) {
	const variable = "FANOUT_TEST_PROGRAM"
	switch os.Getenv(variable) {
	case "run":
		os.Setenv(variable, "replica")
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(1) // the test has ended
		}()
		main()
	case "replica":
		main()
	default:
		os.Setenv(variable, "run")
		os.Exit(m.Run())
	}
}

// deadline is the time within which anything must happen that a test waits for.
const deadline = 40 * time.Second

// A program is a running fanout and its replicas.
type program struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

func startProgram(t *testing.T, pause time.Duration) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-listen", "127.0.0.1:0", "-pause", pause.String())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a group for the program and its replicas
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		if cmd.ProcessState == nil { // the test has failed
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	t.Cleanup(kill)
	p := &program{t: t, cmd: cmd}
	lines := bufio.NewScanner(stderr)
	for p.url == "" {
		if !lines.Scan() {
			t.Fatal("the program ended before it printed its URL")
		}
		_, p.url, _ = strings.Cut(lines.Text(), "open ")
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines.Scan() {
			t.Log(lines.Text())
		}
	})
	t.Cleanup(reading.Wait)
	t.Cleanup(kill) // so that reading ends
	return p
}

// signal sends a signal to the replica with the process ID pid.
func (p *program) signal(pid int, signal syscall.Signal) {
	p.t.Helper()
	if group, err := syscall.Getpgid(pid); err != nil || group != p.cmd.Process.Pid {
		p.t.Fatalf("process %d is not part of the program: %v", pid, err)
	}
	p.t.Logf("%v: process %d", signal, pid)
	if err := syscall.Kill(pid, signal); err != nil {
		p.t.Fatal(err)
	}
}

// An order is an event that a client has received.
type order struct {
	number            int
	publisher, sender int // process IDs
}

// A client follows the orders over connections that are cut at random. It verifies that they are
// 1, 2, 3 and so on.
type client struct {
	last  atomic.Pointer[order]
	ended chan error // receives the result of follow
}

// follow receives orders until it has received the one with the number final, if that is not zero.
func (c *client) follow(ctx context.Context, url string, final *atomic.Int64) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &cutConn{conn, rand.IntN(20_000)}, err
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	if err != nil {
		return err
	}
	stream := (&sse.Client{
		HTTPClient:       &http.Client{Transport: transport},
		IdleTimeout:      5 * time.Second, // a replica may be stopped
		ReconnectionTime: -1,
		Backoff:          func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second / 50) },
	}).Stream(req)
	defer stream.Close()
	for n := 1; stream.Next(); n++ {
		got, ev := new(order), stream.Event()
		_, err := fmt.Sscanf(ev.Data,
			"<li>order %d, published by %1s (PID %d), sent by %1s (PID %d)</li>",
			&got.number, new(string), &got.publisher, new(string), &got.sender)
		if err != nil || got.number != n || ev.ID != fmt.Sprint(n) {
			return fmt.Errorf("event %d has ID %s and data %q: %v", n, ev.ID, ev.Data, err)
		}
		c.last.Store(got)
		if last := final.Load(); last > 0 && int64(n) >= last {
			return nil
		}
	}
	return fmt.Errorf("the stream ended: %w", stream.Err())
}

// A cutConn is a connection that is cut after some bytes.
type cutConn struct {
	net.Conn
	rest int
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.rest == 0 {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(b[:min(len(b), c.rest)])
	c.rest -= n
	return n, err
}

// await waits until a client has received an order for which ok returns true, and returns the
// order.
func await(t *testing.T, c *client, what string, ok func(order) bool) order {
	t.Helper()
	timeout := time.After(deadline)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if o := c.last.Load(); o != nil && ok(*o) {
			return *o
		}
		select {
		case <-tick.C:
		case err := <-c.ended:
			t.Fatalf("the client ended: %v", err)
		case <-timeout:
			t.Fatalf("the client received no %s within %v", what, deadline)
		}
	}
}

func TestClientsReceiveEachOrderOnceAlthoughLeadersAreKilledOrPaused(t *testing.T) {
	p := startProgram(t, 2*time.Millisecond)
	var clients [5]client
	var final atomic.Int64 // set when the faults are over
	for i := range clients {
		c := &clients[i]
		c.ended = make(chan error, 1)
		go func() { c.ended <- c.follow(t.Context(), p.url, &final) }()
	}
	c := &clients[0]
	leaders := make(map[int]bool) // process IDs
	// nextLeader waits until another process than the old one has published some orders.
	nextLeader := func(old int) int {
		t.Helper()
		first := await(t, c, "order of another leader", func(o order) bool { return o.publisher != old })
		last := await(t, c, "further orders", func(o order) bool { return o.number > first.number+50 })
		leaders[last.publisher] = true
		return last.publisher
	}

	leader := nextLeader(0)
	for range 3 {
		time.Sleep(rand.N(3 * time.Millisecond)) // kill it also while it publishes
		p.signal(leader, syscall.SIGKILL)
		leader = nextLeader(leader)
	}
	p.signal(leader, syscall.SIGSTOP)
	second := nextLeader(leader)
	p.signal(leader, syscall.SIGCONT)
	p.signal(second, syscall.SIGKILL)
	nextLeader(second)
	final.Store(int64(c.last.Load().number + 500))
	for i := range clients {
		if err := <-clients[i].ended; err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	}
	t.Logf("%d orders, %d leaders", final.Load(), len(leaders))

	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestCopyEventsOfPausedLeaderStoresNothing(t *testing.T) {
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: t.TempDir(), NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.WaitForShutdown()
	defer broker.Shutdown()
	if broker.Start(); !broker.ReadyForConnections(deadline) {
		t.Fatal("the NATS server does not start")
	}
	nc, err := nats.Connect(broker.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "TEST", Subjects: []string{subject}})
	if err != nil {
		t.Fatal(err)
	}
	// newReplica returns a replica whose upstream sends the orders up to last, and then ends for good.
	// Before order 2, the upstream waits for resume.
	newReplica := func(resume chan struct{}, last int) *replica {
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := 0
			fmt.Sscan(r.Header.Get("Last-Event-ID"), &n)
			if n == last {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			out, err := sse.NewWriter(w, r)
			if err != nil {
				t.Error(err)
				return
			}
			defer out.Close()
			for n++; n <= last; n++ {
				if n == 2 {
					<-resume
				}
				out.Send(sse.Event{ID: fmt.Sprint(n), Data: fmt.Sprint(n)})
			}
		}))
		t.Cleanup(upstream.Close)
		return &replica{
			name: "test", upstream: strings.TrimPrefix(upstream.URL, "http://"), js: js, stream: stream}
	}
	// The old leader stores order 1 and is paused when it is about to store order 2.
	resume := make(chan struct{})
	old := newReplica(resume, 3)
	result := make(chan error, 1)
	go func() { result <- old.copyEvents(t.Context()) }()
	for stored := false; !stored; {
		select {
		case err := <-result:
			t.Fatalf("the old leader got the error %v", err)
		default:
		}
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stored = info.State.LastSeq == 1
	}
	// The new leader stores the orders 2 to 4.
	running := make(chan struct{})
	close(running)
	if err := newReplica(running, 4).copyEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	// JetStream refuses what the old leader publishes now, without regard to the message ID.
	close(resume)
	var refused *jetstream.APIError
	if err := <-result; !errors.As(err, &refused) ||
		refused.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		t.Errorf("the old leader got the error %v", err)
	}
	for n := 1; n <= 4; n++ {
		msg, err := stream.GetMsg(t.Context(), uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		if string(msg.Data) != fmt.Sprint(n) {
			t.Errorf("message %d is order %s", n, msg.Data)
		}
	}
	if _, err := stream.GetMsg(t.Context(), 5); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("message 5: %v", err)
	}
}
