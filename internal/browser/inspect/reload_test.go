package inspect

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestReloadShowsEverythingAgain(t *testing.T) {
	t.Parallel()
	during, after := make(chan struct{}), make(chan struct{})
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Status(200, "X-Answer", "forty-two"),
		ssetest.Send(numbered(1, 30)...),
		ssetest.Raw("no field\n\n"),
		ssetest.Wait(during),
		ssetest.Send(numbered(31, 60)...),
		ssetest.Wait(after),
		ssetest.Send(numbered(61, 70)...),
		stall,
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(30)
	close(during) // the events arrive while the page is loaded
	p.do(chromedp.Reload())
	p.waitForEvents(60)
	p.waitForState("open")
	close(after)
	p.waitForEvents(70)
	p.checkRows(1, 70, numberedData)
	p.waitForText("#headers-panel", "forty-two")
	p.waitForText("#ignored-panel", "no field")
	if notice := p.text("#notice"); strings.Contains(notice, "--memory") {
		t.Errorf("the page says %q, but nothing was dropped", notice)
	}

	// A second page shows the same run.
	q := &inspector{tab: open(t, p.base), base: p.base}
	q.waitForEvents(70)
	q.checkRows(1, 70, numberedData)
}

func TestSmallMemoryIsReported(t *testing.T) {
	t.Parallel()
	const (
		n      = 20_000
		memory = 8 << 20 // the smallest that the command accepts
	)
	var events []sse.Event
	for _, ev := range numbered(1, n) {
		ev.Data += strings.Repeat(".", 1000)
		events = append(events, ev)
	}
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(events...), stall})
	p := inspect(t, "--memory", "8MiB")
	p.send(srv.URL)
	p.waitForEvents(n)
	p.do(chromedp.Reload())
	p.waitForEvents(n)
	p.waitFor(`document.querySelector("#notice").checkVisibility()`)
	notice := p.text("#notice")
	if !regexp.MustCompile(`The first [0-9,]+ messages.*\(--memory\)`).MatchString(notice) {
		t.Errorf("the notice is %q", notice)
	}
	p.scrollToTop()
	first := eval[int](p.tab, `Math.min(...`+rowsExpression+`.map(r => r.N))`)
	if first <= 1 || first > n-100 {
		t.Errorf("the first event is %d, want one of those that fit in 8 MiB", first)
	}
	p.waitForMatches(n-first+1, n-first+1)

	resp, err := http.Get(p.base + "save?format=raw")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Sse-Incomplete") == "" {
		t.Error("the saved stream is not marked as incomplete")
	}
	if size, err := io.Copy(io.Discard, resp.Body); err != nil || size > memory {
		t.Errorf("saved %d bytes (%v), want at most %d", size, err, memory)
	}
}
