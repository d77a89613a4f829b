package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A fakeServer is a flag server that changes a flag each second. Its tokens expire, which ends the
// streams that use them.
type fakeServer struct {
	secret   string
	lifetime time.Duration // of a token
}

// startFakeServer starts a fakeServer, which serves until the program ends.
func startFakeServer() (url, secret string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fake := &fakeServer{secret: "fake", lifetime: 30 * time.Second}
	go http.Serve(l, fake.handler())
	return "http://" + l.Addr().String(), fake.secret
}

func (s *fakeServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.serveToken)
	mux.HandleFunc("GET /stream", s.serveStream)
	return mux
}

// serveToken sends a token, which is the time at which it expires. The client is not told the
// lifetime, as if the token were revoked.
func (s *fakeServer) serveToken(w http.ResponseWriter, r *http.Request) {
	if _, secret, _ := r.BasicAuth(); secret != s.secret {
		http.Error(w, "wrong secret", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	expiry := time.Now().Add(s.lifetime).UnixNano()
	fmt.Fprintf(w, `{"access_token":"%d","token_type":"Bearer"}`, expiry)
}

func (s *fakeServer) serveStream(w http.ResponseWriter, r *http.Request) {
	var expiry int64
	fmt.Sscanf(r.Header.Get("Authorization"), "Bearer %d", &expiry) // zero if there is no token
	lifetime := time.Until(time.Unix(0, expiry))
	if lifetime <= 0 {
		http.Error(w, "the token has expired", http.StatusUnauthorized)
		return
	}
	out, err := sse.NewWriter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	out.KeepAlive(keepAlive)

	changes := []sse.Event{
		{Type: "put", Data: `{"path":"/","data":{"greeting":"Hello"}}`},
		{Type: "patch", Data: `{"path":"/greeting","data":"Welcome"}`},
		{Type: "patch", Data: `{"path":"/shout","data":true}`},
		{Type: "delete", Data: `{"path":"/shout"}`},
	}
	expired := time.After(lifetime)
	for i := 0; ; i++ {
		if out.Send(changes[i%len(changes)]) != nil {
			return // the client has disconnected
		}
		select {
		case <-time.After(time.Second):
		case <-expired:
			return
		}
	}
}
