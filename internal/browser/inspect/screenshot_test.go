package inspect

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// screenshotAddr is the address in the screenshots.
const screenshotAddr = "127.0.0.1:8787"

// TestScreenshots takes the screenshots of the documentation, of a stream whose connection breaks
// while a model writes.
func TestScreenshots(t *testing.T) {
	if !*update {
		t.Skip("writes docs/inspect-light.png and docs/inspect-dark.png only with -update")
	}
	first, rest := poem()
	script := ssetest.NewServer(t,
		ssetest.Conn(append([]ssetest.Step{ssetest.Retry(time.Second)}, first...)),
		ssetest.Conn(rest),
	)
	l, err := net.Listen("tcp", screenshotAddr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: script}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })

	p := inspect(t, "-H", "Authorization: Bearer s3cr3t")
	p.setWidth(1280, 900)
	p.send("http://" + screenshotAddr + "/llm?q=What+is+an+event+stream")
	p.waitFor(`%s === 1`, counter("reconnects"))
	p.waitForText("#text-panel", "in order.")
	p.waitForState("open")
	p.click("#tab-data")
	p.click(`#events .row:nth-last-child(3)`)
	for _, scheme := range []string{"light", "dark"} {
		p.setScheme(scheme)
		png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(root, "docs", "inspect-"+scheme+".png")
		if len(png) > 250_000 {
			t.Errorf("%s has %d bytes, want at most 250,000", name, len(png))
		}
		if err := os.WriteFile(name, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// poem returns the steps of two connections on which a model writes a text. The first one breaks.
func poem() (first, rest []ssetest.Step) {
	const text = "An event stream is a response that does not end. The server sends each event " +
		"when it happens, and the client reads it at once. If the connection breaks, the client " +
		"connects again and names the last event that it has. So every event arrives once, " +
		"and in order."
	id := 0
	event := func(typ, data string) ssetest.Step {
		id++
		return ssetest.Send(sse.Event{
			ID: fmt.Sprintf("msg-%03d", id), Type: typ, Data: `{"type":"` + typ + `",` + data + `}`,
		})
	}
	var steps []ssetest.Step
	steps = append(steps,
		event("message_start", `"message":{"id":"msg","role":"assistant","model":"sse-demo","content":[]}`),
		event("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
	)
	for i, word := range strings.SplitAfter(text, " ") {
		steps = append(steps,
			ssetest.Sleep(time.Duration(40+i*37%90)*time.Millisecond),
			event("content_block_delta", `"index":0,"delta":{"type":"text_delta","text":`+js(word)+`}`))
		if i%12 == 11 {
			steps = append(steps, ssetest.Comment("keep-alive"), event("ping", `"index":0`))
		}
		if i == 22 {
			first, steps = append(steps, ssetest.Cut()), nil
		}
	}
	return first, append(steps,
		event("content_block_stop", `"index":0`),
		event("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":52}`),
		ssetest.Stall(),
	)
}
