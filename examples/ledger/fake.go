package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-0d85b69d/sse"
)

// A bank is a server that sends the transfers 1, 2, 3 and so on. It starts after the transfer that
// the Last-Event-ID header names, and cuts its connections at random.
type bank struct {
	pause time.Duration // between two transfers
}

func (b bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(cmp.Or(r.Header.Get("Last-Event-ID"), "0"))
	if err != nil {
		http.Error(w, "the Last-Event-ID is not a number", http.StatusBadRequest)
		return
	}
	out, err := sse.NewWriter(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	if out.Retry(100*time.Millisecond) != nil {
		return
	}
	for n++; r.Context().Err() == nil; n++ {
		entries := transfer(n)
		for i, e := range entries {
			event := sse.Event{Data: fmt.Sprintf(`{"account":%q,"amount":%d}`, e.Account, e.Amount)}
			if i == len(entries)-1 {
				event.ID = strconv.Itoa(n)
			}
			if out.Send(event) != nil {
				return // the client has disconnected
			}
			if rand.IntN(100) == 0 {
				panic(http.ErrAbortHandler) // cut the connection, possibly within the transfer
			}
		}
		select {
		case <-time.After(b.pause):
		case <-r.Context().Done():
		}
	}
}

// transfer returns the entries of transfer n.
func transfer(n int) [2]entry {
	accounts := [...]string{"alice", "bob", "carol"}
	amount := int64(n%100 + 1)
	return [2]entry{{accounts[n%3], -amount}, {accounts[(n+1)%3], amount}}
}
