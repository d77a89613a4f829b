package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse"
)

// An inspector is a running sse inspect with its page in a tab.
type inspector struct {
	*tab
	base string // the URL of the page, which ends with a slash
}

// inspect starts sse inspect with args and opens its page.
func inspect(t *testing.T, args ...string) *inspector {
	t.Helper()
	base := start(t, append([]string{"inspect"}, args...)...)
	p := &inspector{tab: open(t, base), base: base}
	p.waitForForm()
	return p
}

// waitForForm waits until the page has filled the form from the flags, which adds a header.
func (p *inspector) waitForForm() {
	p.t.Helper()
	p.waitFor(`document.querySelector("#headers .header")`)
}

// send fills in the URL and starts the request.
func (p *inspector) send(url string) {
	p.t.Helper()
	p.fill("#url", url)
	p.click("#send")
}

// waitForState waits until the state of the connection is state.
func (p *inspector) waitForState(state string) {
	p.t.Helper()
	p.waitFor(`document.querySelector("#state")?.dataset.state === %s`, js(state))
}

// counter returns an expression for the digits that a counter shows, as a number.
func counter(name string) string {
	return fmt.Sprintf(
		`Number(document.querySelector("[data-counter=%s]").textContent.replace(/\D/g, ""))`, name)
}

// waitForEvents waits until the page has counted n events.
func (p *inspector) waitForEvents(n int) {
	p.t.Helper()
	p.waitFor(`%s === %d`, counter("events"), n)
}

// A row is a row of the list of events.
type row struct {
	N    int
	Text string
}

const rowsExpression = `[...document.querySelectorAll("#events [data-n]")]
	.map(e => ({N: Number(e.dataset.n), Text: e.innerText}))`

// row returns the text of the row of event n, which must be in view.
func (p *inspector) row(n int) string {
	p.t.Helper()
	p.waitFor(`document.querySelector('#events [data-n="%d"]')`, n)
	return p.text(fmt.Sprintf(`#events [data-n="%d"]`, n))
}

// rows scrolls through the list and returns all its rows.
func (p *inspector) rows() (rows []row) {
	p.t.Helper()
	return eval[[]row](p.tab, `(async () => {
		const list = document.querySelector("#events"), before = list.scrollTop, rows = new Map();
		const frame = () => new Promise(resolve => requestAnimationFrame(() =>
			requestAnimationFrame(resolve)));
		for (let top = 0; ; top += list.clientHeight / 2) {
			list.scrollTop = top;
			await frame();
			for (const r of `+rowsExpression+`) rows.set(r.N, r);
			if (top >= list.scrollHeight - list.clientHeight) break;
		}
		list.scrollTop = before;
		return [...rows.values()].sort((a, b) => a.N - b.N);
	})()`)
}

// scrollToTop scrolls the list to its first event.
func (p *inspector) scrollToTop() {
	p.t.Helper()
	eval[float64](p.tab, `document.querySelector("#events").scrollTop = 0`)
	p.waitFor(`document.querySelector("#events .rows").style.transform === "translateY(0px)"`)
}

// waitForMatches waits until the filter has found n of total events.
func (p *inspector) waitForMatches(n, total int) {
	p.t.Helper()
	p.waitFor(`(data => data.matches === "%d" && data.total === "%d")
		(document.querySelector("#matches").dataset)`, n, total)
}

// checkRows verifies that the list holds the events from first to last, each once, and that the row
// of event n contains want(n).
func (p *inspector) checkRows(first, last int, want func(n int) string) {
	p.t.Helper()
	rows := p.rows()
	if len(rows) != last-first+1 {
		p.t.Errorf("%d rows, want %d", len(rows), last-first+1)
	}
	for i, r := range rows {
		if r.N != first+i {
			p.t.Fatalf("row %d is of event %d, want %d", i, r.N, first+i)
		}
		if !strings.Contains(r.Text, want(r.N)) {
			p.t.Errorf("event %d: row %q, want it to contain %q", r.N, r.Text, want(r.N))
		}
	}
}

// A message is a message of the relay.
type message struct {
	ID, Kind string
	Text     string // the data
	Data     map[string]any
}

// relay returns the messages of the relay up to the first for which last returns true.
func (p *inspector) relay(last func(message) bool) (messages []message) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), p.patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", p.base+"relay", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	stream := new(sse.Client).Stream(req)
	defer stream.Close()
	for stream.Next() {
		ev := stream.Event()
		m := message{ID: ev.ID, Kind: ev.Type, Text: ev.Data}
		if err := json.Unmarshal([]byte(ev.Data), &m.Data); err != nil {
			p.t.Fatalf("message %s: %v", ev.ID, err)
		}
		messages = append(messages, m)
		if last(m) {
			return messages
		}
	}
	p.t.Fatalf("the relay ended after %d messages: %v", len(messages), stream.Err())
	return nil
}

// numbered returns the events from first to last, whose IDs are their numbers.
func numbered(first, last int) (events []sse.Event) {
	for n := first; n <= last; n++ {
		events = append(events, sse.Event{ID: strconv.Itoa(n), Data: numberedData(n)})
	}
	return events
}

// numberedData returns the data of event n of numbered.
func numberedData(n int) string { return fmt.Sprintf("event %d of the test", n) }

// setScheme makes the browser prefer the color scheme light or dark.
func (p *tab) setScheme(scheme string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// setWidth sets the size of the window.
func (p *tab) setWidth(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}
