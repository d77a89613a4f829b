package inspect

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/seed-0d85b69d/sse/ssetest"
)

const maxRows = 200 // of the list in the document

func TestManyEventsNeedFewNodes(t *testing.T) {
	t.Parallel()
	const n = 100_000
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Do(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			b := bufio.NewWriter(w)
			for i := range n {
				fmt.Fprintf(b, "event: %s\nid: %d\ndata: %s\n\n", typeOf(fmt.Sprint(i+1)), i+1,
					numberedData(i+1))
			}
			b.Flush()
		}),
		stall,
	})
	p := inspect(t)
	p.patience = 2 * time.Minute
	call(p.tab, network.Disable, cdp.Empty{}) // it would report each message of the relay
	p.send(srv.URL)
	p.waitForEvents(n)
	p.row(n) // the list follows the stream
	p.checkNodes()

	p.fill("#filter-text", "event 9999 ")
	p.waitForMatches(1, 100_000)
	p.row(9999)
	p.choose("#filter-type", "even")
	p.waitForMatches(0, 100_000)
	p.fill("#filter-text", "")
	p.waitForMatches(50_000, 100_000)
	p.checkNodes()
	p.choose("#filter-type", "")

	// The list can be scrolled to its start.
	p.scrollToTop()
	p.click(`#events [data-n="1"]`)
	p.waitForDetails(1)
	p.checkNodes()

	call(p.tab, heapprofiler.CollectGarbage, cdp.Empty{})
	usage := call(p.tab, runtime.GetHeapUsage, cdp.Empty{})
	t.Logf("the page uses %.0f MiB", usage.UsedSize/(1<<20))
	if limit := 256.0; usage.UsedSize/(1<<20) > limit {
		t.Errorf("the page uses %.0f MiB, want at most %.0f", usage.UsedSize/(1<<20), limit)
	}
}

// TestPageDropsOldEvents verifies the bound of what the page keeps with the module that keeps it,
// because the real bound takes too many events to reach.
func TestPageDropsOldEvents(t *testing.T) {
	t.Parallel()
	p := inspect(t)
	got := eval[[3]int](p.tab, `import("./store.js").then(({Store}) => {
		const event = n => ({n, data: "x".repeat(90), raw: "12345678", type: "t", id: "i"});
		const few = new Store(10, 1_000_000), small = new Store(1_000_000, 1000);
		for (let n = 0; n < 20_000; n++) {
			few.push(event(n));
			small.push(event(n));
		}
		return [few.end - few.first, small.end - small.first, small.get(19_999).n];
	})`)
	if want := [3]int{10, 10, 19_999}; got != want {
		t.Errorf("the store keeps %v, want %v", got, want)
	}
}

// checkNodes verifies that the document is small.
func (p *inspector) checkNodes() {
	p.t.Helper()
	if n := p.count("#events [data-n]"); n == 0 || n > maxRows {
		p.t.Errorf("the list has %d rows in the document, want at most %d", n, maxRows)
	}
	if n := p.count("*"); n > 10_000 {
		p.t.Errorf("the document has %d elements", n)
	}
}

// TestManyTypesNeedFewNodes sends a type for each event, so that whatever the page keeps for each
// type must be bounded.
func TestManyTypesNeedFewNodes(t *testing.T) {
	t.Parallel()
	const n = 10_000
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "event: type %d\nfield%d: x\n: comment\ndata: x\n\n", i, i)
	}
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Raw(body.String()), stall})
	p := inspect(t)
	p.patience = 2 * time.Minute
	call(p.tab, network.Disable, cdp.Empty{}) // it would report each message of the relay
	p.send(srv.URL)
	p.waitForEvents(n)
	p.checkNodes()
}
