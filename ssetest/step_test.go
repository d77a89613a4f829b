package ssetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-0d85b69d/sse/ssetest"
)

func TestStepString(t *testing.T) {
	steps := []Step{
		{}, After(1, Step{}), Recorded("a.jsonl"), RecordedWithGaps("b.jsonl"),
		Status(204), Status(503, "Retry-After", "1"), Send(append(abc, abc...)...), Replay(abc[:1]...),
		Raw(strings.Repeat("x", 40)),
		Comment("hi"), Retry(time.Second), After(3, Reset()), Stall(), End(), Chunks(1), Gzip(),
		WantHeader("X-A", "1"), Do(nil),
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
		`WantHeader("X-A", "1")`, `Do`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
