package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
)

// serveStreams is the role of the server of the workloads and of idle streams. Its argument is the
// length of the streams. The paths are
//
//	/all/NAME     the stream of a workload, in large parts
//	/each/NAME    the same, each event flushed
//	/idle/SIZE    one event with SIZE bytes of data, and then nothing; with ?gzip compressed
func serveStreams(args []string) {
	size, _ := strconv.Atoi(args[0])
	bodies := map[string][]byte{}
	for _, w := range workloads {
		bodies[w.name] = w.stream(size).bytes
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/all/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush() // so that the body is chunked, like that of a stream
		for part := range slices.Chunk(bodies[r.PathValue("name")], 32<<10) {
			w.Write(part)
		}
	})
	mux.HandleFunc("/each/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rest := bodies[r.PathValue("name")]
		for len(rest) > 0 {
			n := bytes.Index(rest, []byte("\n\n")) + 2
			w.Write(rest[:n])
			w.(http.Flusher).Flush()
			rest = rest[n:]
		}
	})
	mux.HandleFunc("/idle/{size}", serveIdle)
	go newServer(mux).Serve(listen())
	commands(func([]string) any { return nil })
}

func serveIdle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	size, _ := strconv.Atoi(r.PathValue("size"))
	event := slices.Concat([]byte("data: "), bytes.Repeat([]byte("x"), size), []byte("\n\n"))
	if r.URL.Query().Has("gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(event)
		z.Flush()
	} else {
		w.Write(event)
	}
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}
