package inspect

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// typed returns events whose type is even or odd.
func typed(first, last int) (events []sse.Event) {
	for _, ev := range numbered(first, last) {
		ev.Type = typeOf(ev.ID)
		events = append(events, ev)
	}
	return events
}

func typeOf(id string) string {
	if strings.ContainsAny(id[len(id)-1:], "02468") {
		return "even"
	}
	return "odd"
}

func TestFilterSelectsEvents(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(typed(1, 30)...),
		ssetest.Wait(more),
		ssetest.Send(typed(31, 40)...),
		stall,
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(30)

	p.choose("#filter-type", "even")
	p.waitForMatches(15, 30)
	for _, r := range p.rows() {
		if r.N%2 != 0 || !strings.Contains(r.Text, "even") {
			t.Errorf("the filter for even shows event %d: %q", r.N, r.Text)
		}
	}
	p.fill("#filter-text", "EVENT 2") // the case does not matter
	p.waitForMatches(6, 30)
	p.checkNumbers(2, 20, 22, 24, 26, 28)

	close(more) // new events are filtered as well
	p.waitForEvents(40)
	p.waitForMatches(6, 40)
	p.choose("#filter-type", "")
	p.waitForMatches(11, 40)
	p.fill("#filter-text", "")
	p.waitFor(`document.querySelectorAll("#events [data-n]").length > 11`)
	p.checkRows(1, 40, func(n int) string { return numberedData(n) })
}

// checkNumbers verifies which events the list shows.
func (p *inspector) checkNumbers(want ...int) {
	p.t.Helper()
	var got []int
	for _, r := range p.rows() {
		got = append(got, r.N)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("the list shows the events %v, want %v", got, want)
	}
}

func TestPauseKeepsEvents(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(numbered(1, 3)...),
		ssetest.Wait(more),
		ssetest.Send(numbered(4, 6)...),
		stall,
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(3)
	p.row(3)
	p.click("#pause")
	p.waitForAttribute("#pause", "aria-pressed", "true")

	close(more)
	p.waitForEvents(6) // the counters go on
	p.checkNumbers(1, 2, 3)
	p.click("#pause")
	p.waitForAttribute("#pause", "aria-pressed", "false")
	p.row(6)
	p.checkRows(1, 6, func(n int) string { return numberedData(n) })
}

// waitForAttribute waits until an attribute of an element has a value.
func (p *tab) waitForAttribute(selector, name, value string) {
	p.t.Helper()
	p.waitFor(`document.querySelector(%s)?.getAttribute(%s) === %s`,
		js(selector), js(name), js(value))
}

func TestKeysMoveAndPause(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(numbered(1, 20)...), stall})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(20)
	eval[bool](p.tab, `document.activeElement.blur() ?? true`)

	p.press("/")
	p.waitForFocus("#filter-text")
	if got := eval[string](p.tab, `document.querySelector("#filter-text").value`); got != "" {
		t.Errorf("the key / also typed %q", got)
	}
	p.press("event 1")
	p.waitForMatches(11, 20)
	p.press(kb.Escape)
	p.waitForMatches(20, 20)
	p.press(kb.Escape) // each press undoes one thing
	p.waitFor(`document.activeElement !== document.querySelector("#filter-text")`)

	p.press(" ")
	p.waitForAttribute("#pause", "aria-pressed", "true")
	p.press(" ")
	p.waitForAttribute("#pause", "aria-pressed", "false")

	p.click(`#events [data-n="20"]`)
	p.waitForDetails(20)
	p.press(kb.ArrowUp)
	p.waitForDetails(19)
	p.press(kb.ArrowUp)
	p.waitForDetails(18)
	p.press(kb.ArrowDown)
	p.waitForDetails(19)
	p.press(kb.Home)
	p.waitForDetails(1)
	p.press(kb.End)
	p.waitForDetails(20)
	p.press(kb.Escape)
	p.waitFor(`!document.querySelector("#details").checkVisibility() ||
		!document.querySelector("#details").innerText.includes(%s)`, js(numberedData(20)))
}

func (p *tab) waitForFocus(selector string) {
	p.t.Helper()
	p.waitFor(`document.activeElement === document.querySelector(%s)`, js(selector))
}

// waitForDetails waits until event n of numbered is selected and its details are shown.
func (p *inspector) waitForDetails(n int) {
	p.t.Helper()
	p.waitForAttribute("#events [data-n="+strconv.Quote(strconv.Itoa(n))+"]",
		"aria-selected", "true")
	p.waitForText("#details", numberedData(n))
}
func TestClickDoesNotScroll(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(numbered(1, 100)...), stall})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(100)
	p.row(100) // the list follows the stream
	before := eval[float64](p.tab, `document.querySelector("#events").scrollTop`)
	p.click(`#events [data-n="98"]`)
	p.waitForDetails(98)
	if after := eval[float64](p.tab, `document.querySelector("#events").scrollTop`); after != before {
		t.Errorf("the list scrolled from %v to %v", before, after)
	}
}
