package inspect

import (
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
)

const (
	maxRelays  = 5                      // pages at the same time; browsers allow six connections
	keepAlive  = 15 * time.Second       // as the standard recommends
	relayRetry = 500 * time.Millisecond // the reconnection time of the page
)

// relay sends the messages of the current run, and of those that follow.
func (s *server) relay(w http.ResponseWriter, r *http.Request) {
	select {
	case s.relays <- struct{}{}:
		defer func() { <-s.relays }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	out, err := sse.NewWriter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	out.KeepAlive(keepAlive)
	err = out.Retry(relayRetry)
	for c := parseCursor(r.Header.Get("Last-Event-ID")); err == nil; {
		ev, ok, changed := s.history.next(&c)
		if ok {
			err = out.Send(ev)
			continue
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
