package inspect

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
	"github.com/seed-0d85b69d/sse/internal/recording"
)

// A saveFormat is a form in which the stream of a run can be saved.
type saveFormat struct {
	extension, contentType string
	write                  func(w io.Writer, r *run) error
}

var saveFormats = map[string]saveFormat{
	"recording": {"recording.jsonl", "application/jsonl", writeRecording},
	"raw":       {"sse", "application/octet-stream", writeRaw},
	"ndjson":    {"ndjson", "application/x-ndjson", writeEvents},
}

// save sends the stream of the last run as a file.
func (s *server) save(w http.ResponseWriter, r *http.Request) {
	f, ok := saveFormats[r.URL.Query().Get("format")]
	if !ok {
		http.Error(w, "want the format ndjson, raw or recording", http.StatusBadRequest)
		return
	}
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Time{}) // it would end the wait
	// Only one download at a time needs memory for the decoded recording.
	select {
	case s.saving <- struct{}{}:
		defer func() { <-s.saving }()
	case <-r.Context().Done():
		return
	}
	rc.SetWriteDeadline(time.Now().Add(webserver.RequestTimeout)) // the wait may have been long
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	if run == nil {
		http.Error(w, "no request was sent", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	name := run.start.Format("sse-20060102-150405.") + f.extension
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if reason := run.store.incomplete(); reason != "" {
		h.Set("Sse-Incomplete", reason)
	}
	if err := f.write(&downloadWriter{w, rc}, run); err != nil {
		panic(http.ErrAbortHandler) // so that the file is not mistaken for a complete one
	}
}

// A downloadWriter limits the time of each write instead of that of the whole download, so that
// only a page that does not read anymore ends it.
type downloadWriter struct {
	w  io.Writer
	rc *http.ResponseController
}

// Write implements io.Writer.
func (d *downloadWriter) Write(p []byte) (int, error) {
	d.rc.SetWriteDeadline(time.Now().Add(webserver.RequestTimeout))
	return d.w.Write(p)
}

// writeRecording writes the recording of r.
func writeRecording(w io.Writer, r *run) error {
	_, err := io.Copy(w, r.store.reader())
	return err
}

// streams returns the recorded responses of r that are event streams.
func (r *run) streams() ([]recording.Response, error) {
	if r.store.isEmpty() {
		return nil, nil
	}
	responses, err := recording.Read(r.store.reader())
	if err != nil {
		return nil, err
	}
	var streams []recording.Response
	for _, resp := range responses {
		head := &http.Response{StatusCode: resp.Status, Header: resp.Header, Body: http.NoBody}
		if sse.DefaultCheckResponse(head) == nil {
			streams = append(streams, resp)
		}
	}
	return streams, nil
}

// writeRaw writes the bytes of the streams.
func writeRaw(w io.Writer, r *run) error {
	streams, err := r.streams()
	for _, resp := range streams {
		for _, c := range resp.Chunks {
			if _, err := w.Write(c.Data); err != nil {
				return err
			}
		}
	}
	return err
}

// writeEvents writes the events in the format of --json.
func writeEvents(w io.Writer, r *run) error {
	streams, err := r.streams()
	if err != nil {
		return err
	}
	p := &sse.Parser{MaxEventSize: r.options.maxEventSize}
	fmt.Fprintf(p, "id: %s\n\n", r.o.LastEventID) // the IDs of the first events may depend on it
	p.Next()
	out := output.NewPrinter(w, output.FormatJSON, false)
	for _, resp := range streams {
		p.Reset()
		for _, c := range resp.Chunks {
			p.Write(c.Data)
			for p.Next() {
				if err := out.Event(p.Event(), time.Time{}, 0); err != nil {
					return err
				}
			}
		}
	}
	return out.Close()
}
