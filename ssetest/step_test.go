package ssetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-0d85b69d/sse/internal/sockerr"
	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestStepString(t *testing.T) {
	steps := []Step{
		{}, After(1, Step{}), Recorded("a.jsonl"), RecordedWithGaps("b.jsonl"),
		Status(204), Status(503, "Retry-After", "1"), Send(append(abc, abc...)...), Replay(abc[:1]...),
		Raw(strings.Repeat("x", 40)),
		Comment("hi"), Retry(time.Second), After(3, Reset()), Stall(), End(), Chunks(1), Gzip(),
		WantHeader("X-A", "1"), WantNoHeader("X-A"), Do(nil),
	}
	var got []string
	for _, s := range steps {
		got = append(got, s.String())
	}
	want := []string{
		`Step{}`, `After(1, Step{})`, `Recorded("a.jsonl")`, `RecordedWithGaps("b.jsonl")`,
		`Status(204)`, `Status(503, "Retry-After"…)`, `Send(id "1", id "2", id "3", … 6 in all)`,
		`Replay(id "1")`, `Raw("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"…)`,
		`Comment("hi")`, `Retry(1s)`, `After(3, Reset())`, `Stall()`, `End()`, `Chunks(1)`, `Gzip()`,
		`WantHeader("X-A", "1")`, `WantNoHeader("X-A")`, `Do`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestZeroStepDoesNothing(t *testing.T) {
	if _, body, err := get(t, NewServer(t, Conn{{}, After(3, Step{}), Send(abc[0])})); body != wireA {
		t.Errorf("got %q, %v, want %q", body, err, wireA)
	}
}

func TestStatusPanicsIfAValueIsMissing(t *testing.T) {
	defer func() {
		if got, want := recover(), "ssetest: Status: odd number of strings"; got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}()
	header := strings.Split("Content-Type", ",")
	Status(200, header...)
}

// Reset also resets a connection with TLS.
func TestResetOverTLS(t *testing.T) {
	srv := httptest.NewTLSServer(Conn{Send(abc[0]), Reset()})
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if string(body) != wireA || !sockerr.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %q, %v, want %q, %v", body, err, wireA, syscall.ECONNRESET)
	}
}

// The ResponseWriter of Do supports http.ResponseController.
func TestDoSupportsResponseController(t *testing.T) {
	_, body, err := get(t, NewServer(t, Conn{Do(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "data: x\n\n")
	})}))
	if body != "data: x\n\n" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
}
