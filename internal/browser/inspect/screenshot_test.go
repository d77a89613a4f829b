package inspect

import (
	"bytes"
	"fmt"
	"image/png"
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

const (
	screenshotWidth = 1280
	maxScreenshot   = 250_000 // bytes
)

// TestScreenshots takes the screenshots of the documentation, of a stream whose connection breaks
// while a model writes. It writes them only with -update.
func TestScreenshots(t *testing.T) {
	addr := "127.0.0.1:0"
	if *update {
		addr = screenshotAddr
	}
	first, rest := modelStream()
	script := ssetest.NewServer(t,
		ssetest.Conn(append([]ssetest.Step{ssetest.Retry(time.Second)}, first...)),
		ssetest.Conn(rest),
	)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: script}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })

	p := inspect(t, "-H", "Authorization: Bearer s3cr3t")
	p.setWidth(screenshotWidth, 900)
	p.send("http://" + l.Addr().String() + "/llm?q=What+is+an+event+stream")
	p.waitFor(`%s === 1`, counter("reconnects"))
	p.waitForText("#text-panel", "in order.")
	p.waitForState("open")
	p.click("#tab-data")
	p.click(`#events .row:nth-last-child(3)`)
	for _, scheme := range []string{"light", "dark"} {
		p.setScheme(scheme)
		shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		size, err := png.DecodeConfig(bytes.NewReader(shot))
		if err != nil || size.Width != screenshotWidth || len(shot) > maxScreenshot {
			t.Errorf("%s: the screenshot has %d bytes and a width of %d (%v), want at most %d and %d",
				scheme, len(shot), size.Width, err, maxScreenshot, screenshotWidth)
		}
		if !*update {
			continue
		}
		name := filepath.Join(root, "docs", "inspect-"+scheme+".png")
		if err := os.WriteFile(name, shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// modelStream returns the steps of two connections on which a model writes a text. The first one
// breaks. The model pauses between words only with -update.
func modelStream() (first, rest []ssetest.Step) {
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
		event("message_start",
			`"message":{"id":"msg","role":"assistant","model":"sse-demo","content":[]}`),
		event("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
	)
	pause := func(d time.Duration) ssetest.Step {
		if !*update {
			d = 0
		}
		return ssetest.Sleep(d)
	}
	for i, word := range strings.SplitAfter(text, " ") {
		steps = append(steps,
			pause(time.Duration(40+i*37%90)*time.Millisecond),
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
