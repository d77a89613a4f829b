package inspect

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// hostile are texts that would run or would forge the page if they were inserted as HTML.
var hostile = []string{
	`<script>window.hacked = 1</script>`,
	`<img src=x onerror="window.hacked = 1">`,
	`"><svg onload="window.hacked = 1">`,
	`</script></textarea></title><iframe srcdoc="<script>parent.hacked = 1</script>"></iframe>`,
	`javascript:window.hacked = 1`,
	`${window.hacked = 1}{{constructor.constructor("window.hacked = 1")()}}`,
	"\u202egnp.exe \u2066isolate\u200b",
	"\x1b[31mred\x07\x7f\u009b",
	`<style>*{display:none}</style><base href="http://127.0.0.2/">`,
}

func TestHostileTextIsShownAsText(t *testing.T) {
	t.Parallel()
	var events []sse.Event
	for i, text := range hostile {
		events = append(events, sse.Event{
			ID:   fmt.Sprintf("%d %s", i+1, text),
			Type: text,
			Data: text,
		}, sse.Event{Data: `{` + js(text) + `:[` + js(text) + `]}`})
	}
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Send(events...),
		ssetest.Raw("data: NUL \x00 BOM \ufeff invalid \xff\rdata: CR\r\r"),
		ssetest.Comment(hostile[0] + hostile[1]),
		ssetest.Raw(hostile[0] + hostile[1] + "\n\n"), // an ignored line
		stall,
	})
	p := inspect(t)
	p.send(srv.URL + "/?q=" + strings.ReplaceAll(hostile[1], " ", "%20"))
	p.waitForEvents(len(events) + 1)
	for i := range events {
		n, text := i+1, hostile[i/2]
		p.click(fmt.Sprintf(`#events [data-n="%d"]`, n))
		p.click("#tab-raw")
		p.waitFor(`document.querySelector("#raw-panel").innerText.length > 5`)
		p.click("#tab-data")
		if strings.HasPrefix(text, "<") && n%2 == 1 {
			p.waitForText("#data-panel", text)
			p.waitForText(fmt.Sprintf(`#events [data-n="%d"]`, n), text[:20])
		}
	}
	p.waitForText(fmt.Sprintf(`#events [data-n="%d"]`, len(events)+1), "NUL")
	p.waitForText("#ignored-panel", "<script>")
	p.checkNothingRan()
	p.checkNoInvisibleText()
}

// checkNothingRan verifies that no text of the stream became a part of the page.
func (p *inspector) checkNothingRan() {
	p.t.Helper()
	if eval[bool](p.tab, `window.hacked !== undefined`) {
		p.t.Error("a script of the stream ran")
	}
	for _, selector := range []string{
		"iframe", "base", "style", "script:not([src])", "[onerror]", "[onload]",
		`[href^="javascript:"]`, `img[src="x"]`,
	} {
		if n := p.count(selector); n != 0 {
			p.t.Errorf("the page contains %d elements %s", n, selector)
		}
	}
}

// checkNoInvisibleText verifies that the page shows no character that is invisible or changes how
// others are shown.
func (p *inspector) checkNoInvisibleText() {
	p.t.Helper()
	text := p.text("main, body")
	if i := strings.IndexAny(text, "\x00\x07\x1b\x7f\u009b\u200b\u202e\u2066\ufeff"); i >= 0 {
		p.t.Errorf("the page shows %+q", text[max(0, i-20):min(len(text), i+20)])
	}
}

// TestHostileResponseIsShownAsText sends what net/http does not: markup in the reason phrase.
func TestHostileResponseIsShownAsText(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]string{
		"accepted": "200 " + hostile[0],
		"refused":  "403 " + hostile[1],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := rawServer(t, "HTTP/1.1 "+status+"\r\n"+
				"Content-Type: text/event-stream\r\n"+
				"X-Markup: "+hostile[0]+hostile[1]+"\r\n"+
				"X-Direction: \u202egnp.exe\r\n"+
				"Connection: close\r\n\r\n"+
				"data: "+hostile[0]+"\n\n")
			p := inspect(t)
			p.choose("#reconnect", false)
			p.send(url)
			p.waitForState("closed")
			p.waitForText("#headers-panel", hostile[0]+hostile[1])
			p.checkNothingRan()
			p.checkNoInvisibleText()
		})
	}
}

// rawServer starts a server that sends response to every request, and returns its URL.
func rawServer(t *testing.T, response string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				c.Read(buf)
				c.Write([]byte(response))
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

func TestLongLinesAreCut(t *testing.T) {
	t.Parallel()
	const size = 10 << 20
	long := strings.Repeat("<b>0123456789</b>", size/17)
	srv := ssetest.NewServer(t, ssetest.Conn{
		ssetest.Do(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, field := range []string{"data", "unknown", "", "id", "event"} {
				fmt.Fprintf(w, "%s: %s\n", field, long)
			}
			fmt.Fprintf(w, "data: %s\n\n", strings.Repeat("[", size))
			fmt.Fprintf(w, "data: {%q:%q}\n\n", "key", long)
			fmt.Fprint(w, "event: last\ndata: last\n\n")
		}),
		stall,
	})
	p := inspect(t)
	p.patience = 2 * time.Minute
	p.send(srv.URL)
	p.waitForEvents(3)
	p.row(3)
	for n := 1; n <= 3; n++ {
		p.click(fmt.Sprintf(`#events [data-n="%d"]`, n))
		p.click("#tab-raw")
		p.click("#tab-data")
		if n < 3 {
			p.waitForText("#details", "64 KiB")
		}
	}
	// A page that put the lines into the document would hold many times as much text.
	const limit = 2 << 20
	if n := eval[int](p.tab, `document.documentElement.outerHTML.length`); n > limit {
		t.Errorf("the document has %d characters, want at most %d", n, limit)
	}
	p.checkNothingRan()
}
