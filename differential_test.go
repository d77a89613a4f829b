package sse_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/seed-0d85b69d/sse"
)

var (
	streams = flag.Int("streams", 10000,
		"the `number` of generated streams that TestDifferential compares")
	dump = flag.String("dump", "",
		"write these streams and their outcomes to a `file` in the format of testdata/parser.json")
)

// The parser is compared with the reference on generated streams. Stream i is the same in every
// run.
func TestDifferential(t *testing.T) {
	t.Parallel()
	n := *streams
	if testing.Short() {
		n = min(n, 3000)
	}
	if *dump != "" {
		dumpStreams(t, n)
	}
	for i := range n {
		g := generator{rand.New(rand.NewPCG(uint64(i), 0))}
		conns := g.connections()
		limit := 0
		if g.IntN(4) == 0 {
			limit = 1 + g.IntN(60)
		}
		compare(t, conns, limit, g.IntN(2) == 0, g.cuts())
		if t.Failed() {
			t.Fatalf("stream %d", i)
		}
	}
}

// dumpStreams writes the first n generated streams to the file dump.
func dumpStreams(t *testing.T, n int) {
	type connection struct {
		Chunks      []string    `json:"chunks"`
		Events      []sse.Event `json:"events"`
		LastEventID string      `json:"lastEventID,omitempty"`
		Retry       string      `json:"retry,omitempty"`
		Partial     bool        `json:"partial,omitempty"`
	}
	type suiteCase struct {
		Name        string       `json:"name"`
		Section     string       `json:"section"`
		Connections []connection `json:"connections"`
	}
	var cases []suiteCase
	for i := range n {
		g := generator{rand.New(rand.NewPCG(uint64(i), 0))}
		c := suiteCase{fmt.Sprintf("Generated stream %d.", i), "HTML 9.2.6", nil}
		var ref reference
		for _, stream := range g.connections() {
			want := ref.run(stream)
			conn := connection{
				Events:      append([]sse.Event{}, want.Events...),
				LastEventID: want.LastEventID,
				Partial:     want.Partial,
			}
			if want.HasRetry {
				conn.Retry = ref.reconnectionTime.String()
			}
			for at := g.IntN(2 * (len(stream) + 1)); len(stream) > 0; at = len(stream) {
				at = min(at, len(stream))
				text := make([]rune, at)
				for i, b := range stream[:at] {
					text[i] = rune(b)
				}
				conn.Chunks = append(conn.Chunks, string(text))
				stream = stream[at:]
			}
			c.Connections = append(c.Connections, conn)
		}
		cases = append(cases, c)
	}
	b, err := json.Marshal(cases)
	if err == nil {
		err = os.WriteFile(*dump, b, 0o666)
	}
	if err != nil {
		t.Error(err)
	}
}
