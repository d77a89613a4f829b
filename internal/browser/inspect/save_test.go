package inspect

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

func TestSavedFilesHoldTheStream(t *testing.T) {
	t.Parallel()
	const (
		first  = "\ufeffretry: 10\nid: 1\ndata: one\n\n: comment\nid: 2\r\ndata: \xff\x00\r\n\r\n"
		second = "id: 3\revent: last\rdata: a\rdata: b\r\r"
	)
	events := []sse.Event{
		{ID: "1", Type: "message", Data: "one"},
		{ID: "2", Type: "message", Data: "\ufffd\x00"},
		{ID: "3", Type: "last", Data: "a\nb"},
	}
	srv := ssetest.NewServer(t,
		ssetest.Conn{ssetest.Raw(first), ssetest.Raw("data: lost"), ssetest.Cut()},
		ssetest.Conn{ssetest.Raw(second)},
		ssetest.Conn{ssetest.Status(204)},
	)
	p := inspect(t)
	p.send(srv.URL + "/saved?token=x")
	p.waitForState("closed")
	p.waitForEvents(len(events))

	name, data := p.download("#save-raw")
	if want := first + "data: lost" + second; string(data) != want {
		t.Errorf("%s contains %q, want %q", name, data, want)
	}

	name, data = p.download("#save-ndjson")
	var got []sse.Event
	for lines := bufio.NewScanner(strings.NewReader(string(data))); lines.Scan(); {
		var ev sse.Event
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got = append(got, ev)
	}
	checkEvents(t, name, got, events)

	name, data = p.download("#save-recording")
	if strings.Contains(string(data), "token=x") {
		t.Errorf("%s contains the query", name)
	}
	file := filepath.Join(t.TempDir(), "stream.jsonl")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	url := serve(t, file) + "/saved"
	got = nil
	for line := range strings.Lines(run(t, "--json", "--retry", "3", url)) {
		var ev sse.Event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatal(err)
		}
		got = append(got, ev)
	}
	checkEvents(t, "the replayed recording", got, events)
}

func checkEvents(t *testing.T, name string, got, want []sse.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s contains %d events, want %d: %q", name, len(got), len(want), got)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: event %d is %q, want %q", name, i+1, got[i], want[i])
		}
	}
}

// download clicks on an element and returns the name and the content of the file that the browser
// then saves.
func (p *inspector) download(selector string) (name string, data []byte) {
	p.t.Helper()
	dir, err := filepath.Abs(p.t.TempDir())
	if err != nil {
		p.t.Fatal(err)
	}
	enabled := true
	params := browser.SetDownloadBehaviorParams{
		Behavior:         browser.SetDownloadBehaviorBehaviorAllow,
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
		DownloadPath:     dir,
		EventsEnabled:    &enabled,
	}
	if _, err := chromedp.CallBrowser(p.ctx, browser.SetDownloadBehavior, params); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{}, 16)
	err = chromedp.ListenBrowser(p.ctx, func(ev any) {
		if e, ok := ev.(*browser.EventDownloadProgress); ok &&
			e.State == browser.DownloadProgressStateCompleted {
			done <- struct{}{}
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.click(selector)
	deadline := time.After(p.patience)
	for {
		select {
		case <-done: // perhaps of another test
		case <-deadline:
			p.t.Fatalf("%s: no download", selector)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) == 1 &&
			!strings.HasSuffix(files[0], ".crdownload") {
			data, err := os.ReadFile(files[0])
			if err != nil {
				p.t.Fatal(err)
			}
			return filepath.Base(files[0]), data
		}
	}
}
