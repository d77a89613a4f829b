// snippet: follow

// Follow prints the events of a stream and resumes where the last run stopped.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse"
)

func main() {
	req, err := http.NewRequest("GET", os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	id, _ := os.ReadFile("last-id") // empty on the first run
	req.Header.Set("Last-Event-ID", string(id))
	client := &sse.Client{IdleTimeout: time.Minute} // longer than the longest pause of the server
	stream := client.Stream(req)
	for stream.Next() {
		ev := stream.Event()
		fmt.Println(ev.Type, ev.ID, ev.Data)
		if err := os.WriteFile("new-id", []byte(stream.LastEventID()), 0o600); err != nil {
			log.Fatal(err)
		}
		if err := os.Rename("new-id", "last-id"); err != nil { // a kill cannot empty the file
			log.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		log.Fatal(err)
	}
}

// end
