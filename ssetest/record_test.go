package ssetest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/internal/recording"
	"github.com/seed-0d85b69d/sse/internal/sockerr"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

// What has been recorded is replayed: a client receives the same status, header, body and
// error.
func TestRecordedReplaysWhatRecordRecorded(t *testing.T) {
	tests := []struct {
		name string
		conn Conn
	}{
		{"events", Conn{Status(200, "X-A", "1", "X-A", "2"), Send(abc...)}},
		{"no events", Conn{}},
		{"error", Conn{Status(503, "Retry-After", "9", "Content-Type", "text/plain"), Raw("busy")}},
		{"no content", Conn{Status(204)}},
		{"binary", Conn{Raw("data: \xff\n\n")}},
		{"cut", Conn{Send(abc[0]), Cut()}},
		{"reset", Conn{Send(abc[0]), Reset()}},
		{"compressed", Conn{Gzip(), Send(abc...)}},
		{"length", Conn{Status(200, "Content-Length", "15"), Send(abc[0])}},
		{"redirect", Conn{Status(302, "Location", "/b")}},
		{"no type", Conn{Do(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			w.WriteHeader(200)
		})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			threeWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				var b bytes.Buffer
				see := func(conn Conn, wrap func(http.RoundTripper) http.RoundTripper) (string, error) {
					srv := newServer(t, conn)
					req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := wrap(srv.Client().Transport).RoundTrip(req)
					if err != nil {
						return "", err
					}
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					for _, name := range []string{"Date", "Content-Length"} {
						resp.Header.Del(name)
					}
					return fmt.Sprintf("%d %v %q", resp.StatusCode, resp.Header, body), err
				}
				want, wantErr := see(tt.conn, func(base http.RoundTripper) http.RoundTripper {
					return Record(base, &b)
				})
				file := writeRecording(t, b.String())
				got, gotErr := see(Conn{Recorded(file)}, func(base http.RoundTripper) http.RoundTripper {
					return base
				})
				if got != want || types(gotErr) != types(wantErr) {
					t.Errorf("got  %s, %v\nwant %s, %v\nrecording:\n%s", got, gotErr, want, wantErr, &b)
				}
			})
		})
	}
}

// A recording of a replay is equal to the recording that is replayed.
func TestRecordedKeepsChunksAndGaps(t *testing.T) {
	want := strings.Join([]string{
		`{"response":1,"version":1,"gap":500,"method":"GET","url":"http://sse.test",` +
			`"status":200,"header":{"Content-Type":["text/plain"],"Date":["today"]}}`,
		`{"response":1,"gap":0,"text":"data: a"}`, `{"response":1,"gap":1,"base64":"gA=="}`,
		`{"response":1,"gap":20,"text":"\n"}`, `{"response":1,"gap":86400000,"text":"\n"}`,
		`{"response":1,"gap":300,"end":"eof"}`,
	}, "\n") + "\n"
	file := writeRecording(t, want)
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		srv := NewMemoryServer(t, Conn{RecordedWithGaps(file)})
		client := &http.Client{Transport: Record(srv.Client().Transport, &b)}
		resp, err := client.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("recording (-want +got):\n%s", diff)
		}
	})
}

func TestRecordedGaps(t *testing.T) {
	file := writeRecording(t,
		`{"version":1,"gap":1000,"status":200}`, `{"gap":2000,"text":"a"}`, `{"text":"b"}`,
		`{"gap":3600000,"text":"c"}`, `{"gap":4000,"end":"cut"}`)
	for _, tt := range []struct {
		step Step
		want []time.Duration
	}{
		{RecordedWithGaps(file), []time.Duration{1000, 3000, 3603000, 3607000}},
		{Recorded(file), []time.Duration{0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := NewMemoryServer(t, Conn{tt.step})
			start := time.Now()
			resp, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got := []time.Duration{time.Since(start) / time.Millisecond}
			var body []byte
			for buf := make([]byte, 10); err == nil; {
				var n int
				n, err = resp.Body.Read(buf)
				body = append(body, buf[:n]...)
				if at := time.Since(start) / time.Millisecond; at != got[len(got)-1] || err != nil {
					got = append(got, at)
				}
			}
			if string(body) != "abc" || err != io.ErrUnexpectedEOF {
				t.Errorf("%v: got %q, %v", tt.step, body, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%v: times in milliseconds (-want +got):\n%s", tt.step, diff)
			}
		})
	}
}

// The client that was recorded stopped reading, so the response stays open until the
// client of the replay disconnects.
func TestRecordedStallsIfClientClosed(t *testing.T) {
	file := writeRecording(t, recordedHeader, `{"text":"data: a\n\n"}`)
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		srv := newServer(t, Conn{Recorded(file)})
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		r := sse.NewReader(resp.Body)
		if !r.Next() || r.Event().Data != "a" {
			t.Errorf("got %v, %v", r.Event(), r.Err())
		}
		resp.Body.Close()
	})
}

// Other steps work together with Recorded.
func TestRecordedWithOtherSteps(t *testing.T) {
	file := writeRecording(t, recordedHeader, `{"text":"id: 1\n"}`, `{"text":"data: a\n\n"}`,
		`{"end":"eof"}`)
	tests := []struct {
		name string
		conn Conn
		want string
		err  error
	}{
		{"after", Conn{After(9, Cut()), Recorded(file)}, wireA[:9], io.ErrUnexpectedEOF},
		{"chunks", Conn{Chunks(1), Recorded(file)}, wireA, nil},
		{"gzip", Conn{Gzip(), Recorded(file)}, wireA, nil},
		{"send", Conn{Recorded(file), Send(abc[0])}, wireA + wireA, nil},
		{"end", Conn{After(3, End()), Recorded(file)}, wireA[:3], nil},
		{"reset", Conn{Recorded(file), Reset()}, wireA, syscall.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
				_, body, err := get(t, newServer(t, tt.conn))
				if body != tt.want || !sockerr.Is(err, tt.err) {
					t.Errorf("got %q, %v, want %q, %v", body, err, tt.want, tt.err)
				}
			})
		})
	}
}

// Each step of a server replays the next response of the file. Without a server it is
// the first one.
func TestRecordedSeveralResponses(t *testing.T) {
	file := writeRecording(t,
		`{"response":1,"version":1,"status":200}`, `{"response":2,"version":1,"status":503}`,
		`{"response":2,"text":"busy"}`, `{"response":1,"text":"a"}`,
		`{"response":1,"end":"eof"}`, `{"response":2,"end":"eof"}`)
	other := writeRecording(t, `{"version":1,"status":404}`, `{"end":"eof"}`)
	bothWays(t, func(t *testing.T, newServer func(testing.TB, ...http.Handler) *Server) {
		see := func(srv *Server) string {
			resp, body, err := get(t, srv)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%d %s", resp.StatusCode, body)
		}
		srv := newServer(t, Conn{Recorded(file)}, Conn{Recorded(other)},
			Each(func(int, *http.Request) http.Handler { return Conn{Recorded(file)} }))
		var got []string
		for range 5 {
			got = append(got, see(srv))
		}
		want := []string{"200 a", "404 ", "503 busy", "200 a", "503 busy"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("responses (-want +got):\n%s", diff)
		}
		if got := see(newServer(t, Conn{Recorded(file)})); got != "200 a" {
			t.Errorf("another server: got %s", got)
		}
		client := &http.Client{Transport: NewTransport(t, Conn{Recorded(file)})}
		for range 2 {
			resp, err := client.Get("http://sse.test")
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); string(body) != "a" || err != nil {
				t.Errorf("without a server: got %q, %v", body, err)
			}
			resp.Body.Close()
		}
	})
}

func TestRecordedReportsErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, openErr := os.Open(missing)
	invalid := writeRecording(t, "x")
	good := writeRecording(t, recordedHeader, `{"end":"eof"}`)
	for _, tt := range []struct {
		conn   Conn
		status int
		want   string
	}{
		{Conn{Recorded(missing)}, 500, "Recorded: " + openErr.Error()},
		{Conn{RecordedWithGaps(invalid)}, 500, "RecordedWithGaps: " + invalid +
			": recording: line 1: invalid character 'x' looking for beginning of value"},
		{Conn{Status(201), Recorded(good)}, 201, "Recorded: the header has already been sent"},
	} {
		tb := &fakeTB{TB: t}
		resp, _, err := get(t, NewServer(tb, tt.conn))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"ssetest: connection 1: " + tt.want}
		if diff := cmp.Diff(want, tb.end()); diff != "" || resp.StatusCode != tt.status {
			t.Errorf("got status %d and reports (-want +got):\n%s", resp.StatusCode, diff)
		}
	}
}

func TestRecordedReportsEarlyDisconnect(t *testing.T) {
	for name, lines := range map[string][]string{
		"header": {`{"version":1,"gap":10000,"status":200}`},
		"chunk":  {recordedHeader, `{"text":"a"}`, `{"gap":10000,"text":"b"}`},
		"end":    {recordedHeader, `{"text":"a"}`, `{"gap":10000,"end":"eof"}`},
	} {
		file := writeRecording(t, lines...)
		synctest.Test(t, func(t *testing.T) {
			tb := &fakeTB{TB: t}
			srv := NewMemoryServer(tb, Conn{RecordedWithGaps(file)})
			client := srv.Client()
			client.Timeout = 5 * time.Second
			get(t, srv)
			want := []string{fmt.Sprintf("ssetest: connection 1: the client disconnected before "+
				"the end of step RecordedWithGaps(%q)", file)}
			if diff := cmp.Diff(want, tb.end()); diff != "" {
				t.Errorf("%s: reports (-want +got):\n%s", name, diff)
			}
		})
	}
}

// A request fails if Recorded could not read a recording of its response.
func TestRecordRefusesWhatRecordedCannotRead(t *testing.T) {
	srv := NewMemoryServer(t, Conn{Status(200, "X-Large", strings.Repeat("x", recording.MaxLine))})
	client := srv.Client()
	var b bytes.Buffer
	client.Transport = Record(client.Transport, &b)
	_, err := client.Get(srv.URL)
	if !errors.Is(err, recording.ErrTooLarge) || b.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, b.Len())
	}
}
