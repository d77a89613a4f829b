package ssetest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/seed-0d85b69d/sse/internal/recording"
)

// Record returns an [http.RoundTripper] that calls base and records the responses
// in w, chunk by chunk, as the client reads them. If base is nil, it is
// [http.DefaultTransport]. It is meant for the transport of any client or SDK:
//
//	file, err := os.Create("testdata/chat.jsonl")
//	…
//	client := &http.Client{Transport: ssetest.Record(nil, file)}
//
// [Recorded] replays the file in a test. It is a text file that can be edited. It
// contains one JSON object in each line:
//
//	{"response":1,"version":1,"gap":93,"method":"GET","url":"https://…","status":200,"header":{…}}
//	{"response":1,"gap":250,"text":"data: hello\n\n"}
//	{"response":1,"gap":17,"end":"eof"}
//
// A gap is the time since the line before in milliseconds. The format is described
// at https://pkg.go.dev/github.com/seed-0d85b69d/sse/internal/recording and does
// not change incompatibly.
//
// The header of the request and the query of the URL are not recorded, and values
// of header fields that may be secret, such as Set-Cookie, are replaced by "***".
// The body is recorded unchanged.
//
// If w fails, the request or the Read of the body fails with its error. The same
// happens if the recording becomes larger than [Recorded] can read, which is 64 MiB
// or 300,000 lines. Requests without a response are not recorded.
func Record(base http.RoundTripper, w io.Writer) http.RoundTripper {
	return recording.NewTransport(base, recording.Limit(w))
}

// Recorded replays a response that [Record] has recorded in a file: the status,
// the header, each chunk of the body without any pause, and the end. If the
// connection was lost or reset, Recorded ends like [Cut] or [Reset]. If the client
// stopped reading before the end, Recorded ends like [Stall].
//
// If the file contains several responses, the first such step of a [Server]
// replays the first response, the next step replays the second response, and so
// on. After the last one it starts again. In a [Conn] without a Server it replays
// the first response.
//
// [Chunks], [Gzip] and [After] also apply to the recorded body.
func Recorded(file string) Step { return recorded("Recorded", file, false) }

// RecordedWithGaps works like [Recorded], but waits before each chunk as long as
// the server did. In a [testing/synctest] bubble that takes no time.
func RecordedWithGaps(file string) Step { return recorded("RecordedWithGaps", file, true) }

func recorded(name, file string, gaps bool) Step {
	return Step{
		do: func(x *exchange) error {
			responses, err := readRecording(file)
			if err != nil {
				x.errorf("%s: %v", name, err)
				x.sendHeader(http.StatusInternalServerError, nil)
				return errEnd
			}
			return x.replay(responses[x.recordedIndex(file)%len(responses)], gaps)
		},
		name: func() string { return fmt.Sprintf("%s(%q)", name, file) },
	}
}

func readRecording(file string) ([]recording.Response, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	responses, err := recording.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return responses, nil
}

// recordedIndex returns how many steps of the Server have replayed file before.
func (x *exchange) recordedIndex(file string) int {
	if x.srv == nil {
		return 0
	}
	return x.srv.countRecorded(file)
}

// replay sends a recorded response and ends like it.
func (x *exchange) replay(r recording.Response, gaps bool) error {
	pause := func(gap time.Duration) error {
		if !gaps || gap == 0 {
			return nil
		}
		return Sleep(gap).run(x)
	}
	if err := pause(r.Gap); err != nil {
		return err
	}
	if err := x.replayHeader(r); err != nil {
		return err
	}
	for _, c := range r.Chunks {
		if err := pause(c.Gap); err != nil {
			return err
		}
		if err := x.write(c.Data); err != nil {
			return err
		}
	}
	if err := pause(r.EndGap); err != nil {
		return err
	}
	switch r.End {
	case recording.Cut:
		return Cut().run(x)
	case recording.Reset:
		return Reset().run(x)
	case recording.Closed:
		return Stall().run(x)
	}
	return nil
}

func (x *exchange) replayHeader(r recording.Response) error {
	if x.headerSent {
		x.errorf("Recorded: the header has already been sent")
		return errEnd
	}
	h := x.w.Header()
	r.CopyHeader(h)
	if x.gzip != nil {
		h.Set("Content-Encoding", "gzip")
	}
	return x.writeHeader(r.Status)
}
