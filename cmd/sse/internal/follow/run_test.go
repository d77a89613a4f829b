package follow

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// followServer runs the command on srv with o, whose streams and URL it sets. It returns the exit
// code, the output and what was written to standard error. It can be used in a bubble.
func followServer(t *testing.T, srv *ssetest.Server, o *Options) (int, string, string) {
	t.Helper()
	create := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	content := func(f *os.File) string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	target, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.Header = make(http.Header)
	o.SetURL(target)
	o.Stdout, o.Stderr = create("stdout"), create("stderr")
	o.Getenv = func(string) string { return "" }
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s := &session{
		o:         o,
		cancel:    cancel,
		stats:     stats.New(time.Now()),
		lines:     new(lineStats),
		rec:       &request.Recorder{Base: srv.Client().Transport.(*http.Transport)},
		beginFile: func() {},
	}
	s.silence = newSilence(o.SilenceAfter, s.reportSilence)
	s.rec.OnRead = s.read
	s.openOutput(o.Stdout)
	code := s.run(ctx)
	return code, content(o.Stdout), content(o.Stderr)
}

// A stream that speaks and then falls silent is not interrupted.
func TestRunReadsStreamAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := ssetest.Conn{}
		want := ""
		for n := range 6 {
			data := strconv.Itoa(n)
			conn = append(conn, ssetest.Send(sse.Event{Data: data}), ssetest.Sleep(time.Second))
			want += data + "\n"
		}
		conn = append(conn, ssetest.Sleep(40*time.Second), ssetest.Send(sse.Event{Data: "the end"}))
		srv := ssetest.NewMemoryServer(t, conn, ssetest.Conn{ssetest.Status(http.StatusNoContent)})
		code, stdout, stderr := followServer(t, srv, &Options{
			Format: output.FormatData, HintAfter: 10 * time.Second, SilenceAfter: 30 * time.Second,
		})
		if want += "the end\n"; code != 0 || stdout != want {
			t.Errorf("exit code %d, output %q, want %q", code, stdout, want)
		}
		const note = "sse: no data for 30s " +
			"(--idle-timeout T ends a connection without data for T)\n"
		if strings.Count(stderr, note) != 1 || strings.Count(stderr, "no data for") != 1 {
			t.Errorf("stderr:\n%s\nwant once:\n%s", stderr, note)
		}
	})
}

func TestRunReportsIdleTimeoutDuringSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, ssetest.Conn{ssetest.Comment(""), ssetest.Stall()})
		code, _, stderr := followServer(t, srv, &Options{
			Format: output.FormatData, SilenceAfter: 30 * time.Second, HintAfter: 10 * time.Second,
			IdleTimeout: time.Minute, NoReconnect: true,
		})
		const note = "sse: no data for 30s (--idle-timeout ends the connection after 1m00s)\n"
		if code != 28 || !strings.HasPrefix(stderr, note) {
			t.Errorf("exit code %d, stderr:\n%s\nwant:\n%s", code, stderr, note)
		}
	})
}
