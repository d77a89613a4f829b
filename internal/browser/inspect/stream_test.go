package inspect

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// stall ends every script of a server: the stream stays open until the test ends.
var stall = ssetest.Stall()

func TestPageShowsEvents(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.WantHeader("Last-Event-ID", "start"),
		ssetest.Send(
			sse.Event{ID: "a-1", Type: "tick", Data: `{"n":1,"list":["x",null,true]}`},
			sse.Event{ID: "a-2", Data: "two\nlines"},
			sse.Event{ID: "", Type: "empty id", Data: "third"},
		),
		ssetest.Comment("a comment"),
		stall,
	})
	p := inspect(t)
	p.fill("#last-event-id", "start")
	p.send(srv.URL + "/events?page=7")
	p.waitForState("open")
	p.waitForEvents(3)

	for i, want := range [][]string{
		{"tick", "a-1", `{"n":1,"list":["x",null,true]}`},
		{"message", "a-2", "two", "ms"}, // the gap
		{"empty id", "a-2", "third", "ms"},
	} {
		for _, text := range want {
			if got := p.row(i + 1); !strings.Contains(got, text) {
				t.Errorf("row %d is %q, want it to contain %q", i+1, got, text)
			}
		}
	}
	for _, name := range []string{"rate", "bytes", "first", "p50", "p95", "max"} {
		p.waitFor(`/\d/.test(document.querySelector("[data-counter=%s]").textContent)`, name)
	}
	p.waitFor(`%s === 0`, counter("reconnects"))
	p.click("#tab-headers")
	for _, text := range []string{"GET " + srv.URL + "/events", "200 OK", "text/event-stream"} {
		p.waitForText("#headers-panel", text)
	}
}

func TestPageMasksSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{"s3cr3t-flag", "s3cr3t-typed", "s3cr3t-cookie", "s3cr3t-reply"}
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.WantHeader("Authorization", "Bearer "+secrets[0]),
		ssetest.WantHeader("X-Api-Key", secrets[1]),
		ssetest.WantHeader("Cookie", "session="+secrets[2]),
		ssetest.Status(200, "Set-Cookie", "session="+secrets[3]),
		ssetest.Send(numbered(1, 1)...),
		stall,
	})
	p := inspect(t, "-H", "Authorization: Bearer "+secrets[0], "-b", "session="+secrets[2])
	p.addHeader("X-Api-Key", secrets[1])
	p.send(srv.URL)
	p.waitForEvents(1)

	var relay strings.Builder
	for _, m := range p.relay(func(m message) bool { return m.Kind == "event" }) {
		relay.WriteString(m.Text)
	}
	if !regexp.MustCompile(`"Authorization","[^"]*\*{3,}"`).MatchString(relay.String()) {
		t.Errorf("the relay does not contain the masked header Authorization:\n%s", &relay)
	}
	html := eval[string](p.tab, `document.documentElement.outerHTML`)
	shown := p.text("body")
	for _, secret := range secrets {
		for place, text := range map[string]string{
			"relay": relay.String(), "document": html, "page": shown,
		} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s contains the secret %s", place, secret)
			}
		}
	}
	for _, name := range []string{"Authorization", "X-Api-Key", "Cookie", "Set-Cookie"} {
		p.waitFor(`document.querySelector("#headers-panel").textContent.toLowerCase()
			.includes(%s)`, js(strings.ToLower(name)))
	}
	p.checkMasked(true)
	p.click("#headers .header button.reveal")
	p.checkMasked(false)
}

// addHeader adds a header field to the form.
func (p *inspector) addHeader(name, value string) {
	p.t.Helper()
	n := p.count("#headers .header")
	p.click("#add-header")
	p.waitFor(`document.querySelectorAll("#headers .header").length === %d`, n+1)
	row := fmt.Sprintf("#headers .header:nth-of-type(%d) ", n+1)
	p.fill(row+"input.name", name)
	p.fill(row+"input.value", value)
}

// checkMasked verifies that the first header value in the form is masked, or that it is not.
func (p *inspector) checkMasked(want bool) {
	p.t.Helper()
	p.waitFor(`(document.querySelector("#headers input.value").type === "password") === %t`, want)
}

func TestPageShowsDetails(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Raw("\ufeffid: 1\r\ndata: {\"outer\":{\"inner\":[1,\"two\"]}}\r\rdata: nul \x00\n\n"),
		stall,
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(2)

	p.click(`#events [data-n="1"]`)
	p.click("#tab-data")
	for _, text := range []string{"outer", "inner", "1", `"two"`} {
		p.waitForText("#data-panel", text)
	}
	p.click("#data-panel summary") // closes the tree
	p.waitFor(`!document.querySelector("#data-panel").innerText.includes("inner")`)
	p.click("#tab-raw")
	for _, text := range []string{"BOM", "CR", "LF"} {
		p.waitForText("#raw-panel", text)
	}
	p.click(`#events [data-n="2"]`)
	p.waitForText("#raw-panel", "NUL")
}

func TestTimelineShowsEvents(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(sse.Event{ID: "first", Type: "tick", Data: "the first event"}),
		stall,
	})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(1)
	p.click("#stop") // so that the timeline does not move
	p.waitForState("closed")
	p.waitFor(`(canvas => {
		const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		return new Set(new Uint32Array(data.buffer)).size > 3; // colors
	})(document.querySelector("#timeline"))`)

	box := eval[[4]float64](p.tab, `(r => [r.left, r.top, r.width, r.height])
		(document.querySelector("#timeline").getBoundingClientRect())`)
	for x := box[0]; x < box[0]+box[2]; x += 3 {
		p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, box[1]+box[3]/2))
		if strings.Contains(p.text("#timeline-tip"), "tick") {
			p.waitFor(`document.querySelector("#timeline-tip").checkVisibility()`)
			return
		}
	}
	t.Errorf("the timeline shows no text about the event; the last was %q", p.text("#timeline-tip"))
}

// TestPageShowsServe follows streams of sse serve.
func TestPageShowsServe(t *testing.T) {
	t.Parallel()
	server := serve(t)

	t.Run("text", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/llm?q=Why", "/llm?q=Why&shape=anthropic"} {
			p := inspect(t)
			p.choose("#reconnect", false)
			p.send(server + path)
			p.waitForText("#text-panel", `You asked "Why". There is no model here, but this is how `+
				`an answer arrives: word by word, each in an event of its own.`)
			p.waitForState("closed")
		}
	})
	t.Run("weird", func(t *testing.T) {
		t.Parallel()
		p := inspect(t)
		p.send(server + "/weird")
		p.waitForState("closed") // by the response 204
		p.waitForText("#state", "204")
		p.waitForText("#ignored-panel", "no field at all")
		p.waitForText("#findings-panel", "misspelled-field")
		want := strings.Count(run(t, server+"/weird"), "\n")
		p.waitForEvents(want)
	})
	t.Run("big", func(t *testing.T) {
		t.Parallel()
		p := inspect(t)
		p.send(server + "/big")
		p.waitForState("closed")
		p.waitForEvents(5)
		p.click(`#events [data-n="4"]`)
		p.waitForText("#details", "8")
		p.waitFor(`document.body.innerText.length < 1000000`)
	})
}
