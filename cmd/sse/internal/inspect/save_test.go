package inspect

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/webserver"
	"github.com/seed-0d85b69d/sse/internal/recording"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// saved returns what save writes in the given format.
func saved(t *testing.T, r *run, format string) string {
	t.Helper()
	var b strings.Builder
	if err := saveFormats[format].write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSaveWritesWhatWasReceived(t *testing.T) {
	t.Parallel()
	f := form
	f.LastEventID = "0"
	r, all := follow(t, f, time.Hour,
		ssetest.Conn{
			ssetest.Raw("data: a\u009b\n\nid: 1\ndata: b\r\n\r\n: \xff\ndata: lo"),
			ssetest.Cut(),
		},
		ssetest.Conn{ssetest.Status(http.StatusBadGateway), ssetest.Raw("data: x\n\n")},
		ssetest.Conn{ssetest.Raw("\ufeffdata: c\n\n"), ssetest.Cut()},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	want := `{"id":"0","type":"message","data":"a\u009b"}` + "\n" +
		`{"id":"1","type":"message","data":"b"}` + "\n" +
		`{"id":"1","type":"message","data":"c"}` + "\n"
	if diff := cmp.Diff(want, saved(t, r, "ndjson")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	wantTable(t, table{{"0", "a\u009b"}, {"1", "b"}, {"1", "c"}}, kinds(all, "event"), "id", "data")
	want = "data: a\u009b\n\nid: 1\ndata: b\r\n\r\n: \xff\ndata: lo\ufeffdata: c\n\n"
	if diff := cmp.Diff(want, saved(t, r, "raw")); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
	responses, err := recording.Read(strings.NewReader(saved(t, r, "recording")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, resp := range responses {
		got = append(got, fmt.Sprintf("%d %s %s", resp.Status, resp.End, resp.URL))
	}
	if diff := cmp.Diff([]string{
		"200 cut http://sse.test/a", "502 eof http://sse.test/a", "200 cut http://sse.test/a",
		"204 eof http://sse.test/a",
	}, got); diff != "" {
		t.Errorf("responses (-want +got):\n%s", diff)
	}
}

func TestSaveKnowsLastEventIDOfHeader(t *testing.T) {
	t.Parallel()
	f := form
	f.Headers = [][2]string{{"Last-Event-ID", "5"}}
	r, all := follow(t, f, time.Hour,
		ssetest.Conn{ssetest.WantHeader("Last-Event-ID", "5"), ssetest.Raw("data: a\n\n")},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	want := `{"id":"5","type":"message","data":"a"}` + "\n"
	if diff := cmp.Diff(want, saved(t, r, "ndjson")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	wantTable(t, table{{"5", "a"}}, kinds(all, "event"), "id", "data")
}

func TestSaveSendsFile(t *testing.T) {
	t.Parallel()
	stream := httptest.NewServer(ssetest.Conn{ssetest.Send(sse.Event{Data: "a"})})
	t.Cleanup(stream.Close)
	s, page := serve(t, newOptions())
	if resp, _ := do(t, "GET", page+"save?format=raw", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("before the first request: %s", resp.Status)
	}
	form := `{"url":"` + stream.URL + `","reconnect":false}`
	if resp, body := do(t, "POST", page+"send", form); body != `{"run":1}`+"\n" {
		t.Fatalf("send: %s, %q", resp.Status, body)
	}
	<-s.run.done
	for format, want := range map[string]string{
		"raw": "data: a\n\n", "ndjson": `{"id":"","type":"message","data":"a"}` + "\n",
	} {
		resp, body := do(t, "GET", page+"save?format="+format, "")
		if resp.StatusCode != http.StatusOK || body != want {
			t.Errorf("%s: %s, %q", format, resp.Status, body)
		}
		name := s.run.start.Format("sse-20060102-150405.") + saveFormats[format].extension
		if got := resp.Header.Get("Content-Disposition"); got !=
			`attachment; filename="`+name+`"` {
			t.Errorf("%s: Content-Disposition: %s", format, got)
		}
		if got, ok := resp.Header["Sse-Incomplete"]; ok {
			t.Errorf("%s: Sse-Incomplete: %q", format, got)
		}
	}
	for _, format := range []string{"", "xml"} {
		if resp, _ := do(t, "GET", page+"save?format="+format, ""); resp.StatusCode !=
			http.StatusBadRequest {
			t.Errorf("format %q: %s", format, resp.Status)
		}
	}
}

func TestSaveWaitsForOtherDownloads(t *testing.T) {
	t.Parallel()
	r, _ := follow(t, form, time.Hour,
		ssetest.Conn{ssetest.Raw("data: a\n\n")}, ssetest.Conn{ssetest.Status(http.StatusNoContent)})
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t.Context(), newOptions(), Form{})
		s.run = r
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/save?format=raw", nil)
		s.saving <- struct{}{}
		go s.save(w, req)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(w.read) != 1 || !w.read[0].IsZero() {
			t.Errorf("the wait ends with the deadlines %v", w.read)
		}
		<-s.saving
		synctest.Wait()
		if got := w.Body.String(); got != "data: a\n\n" {
			t.Errorf("got %q", got)
		}
		for _, d := range w.write {
			if time.Until(d) != webserver.RequestTimeout {
				t.Errorf("a write must end within %v", time.Until(d))
			}
		}
		if len(w.write) < 2 {
			t.Errorf("%d deadlines, want one for each write", len(w.write))
		}
	})
}

func TestSaveSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	stream := httptest.NewServer(ssetest.Conn{
		ssetest.Chunks(1000), ssetest.Raw("data: " + strings.Repeat("x", 40_000) + "\n\n"),
	})
	t.Cleanup(stream.Close)
	o := newOptions()
	o.Memory = 80_000 // of which a quarter is for the recording
	s, page := serve(t, o)
	do(t, "POST", page+"send", `{"url":"`+stream.URL+`","reconnect":false}`)
	<-s.run.done
	for _, format := range []string{"recording", "raw", "ndjson"} {
		resp, body := do(t, "GET", page+"save?format="+format, "")
		why := resp.Header.Get("Sse-Incomplete")
		if !strings.HasPrefix(why, "only the first ") || !strings.HasSuffix(why, " (--memory)") {
			t.Errorf("%s: Sse-Incomplete: %q", format, why)
		}
		if len(body) > 20_000 || format != "ndjson" && body == "" {
			t.Errorf("%s: %d bytes", format, len(body))
		}
	}
}

func TestStoreKeepsTheBeginning(t *testing.T) {
	t.Parallel()
	s := newStore(3 * (lineOverhead + 2))
	for i, line := range []string{"a\n", "b\n", "too long\n", "c\n"} {
		want := error(nil)
		if i >= 2 {
			want = recording.ErrFull
		}
		if _, err := s.Write([]byte(line)); err != want {
			t.Errorf("Write %d returned %v, want %v", i+1, err, want)
		}
	}
	for range 2 {
		if b, err := io.ReadAll(s.reader()); string(b) != "a\nb\n" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
	}
	want := "only the first 4 bytes of the recording were kept (--memory)"
	if got := s.incomplete(); got != want {
		t.Errorf("incomplete: %s, want %s", got, want)
	}
}

func TestStoreKeepsOnlyWhatCanBeRead(t *testing.T) {
	t.Parallel()
	s := newStore(math.MaxInt)
	for range recording.MaxLines + 1 {
		s.Write([]byte{'\n'})
	}
	if len(s.lines) != recording.MaxLines ||
		!strings.HasSuffix(s.incomplete(), " the limit is 300000 lines)") {
		t.Errorf("%d lines; incomplete: %s", len(s.lines), s.incomplete())
	}
}
