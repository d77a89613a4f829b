package inspect

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// A form is what the form of the page contains.
type form struct {
	URL, Method, Body, LastEventID, IdleTimeout string

	Headers   [][2]string
	Reconnect bool
}

func (p *inspector) form() form {
	p.t.Helper()
	return eval[form](p.tab, `(() => {
		const value = selector => document.querySelector(selector).value;
		return {
			URL: value("#url"), Method: value("#method"), Body: value("#body"),
			LastEventID: value("#last-event-id"), IdleTimeout: value("#idle-timeout"),
			Headers: [...document.querySelectorAll("#headers .header")]
				.map(e => [e.querySelector(".name").value, e.querySelector(".value").value])
				.filter(([name]) => name),
			Reconnect: document.querySelector("#reconnect").checked,
		};
	})()`)
}

// useClipboard lets the page read and write the clipboard.
func (p *inspector) useClipboard() {
	p.t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission:       &browser.PermissionDescriptor{Name: name},
			Setting:          browser.PermissionSettingGranted,
			BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// paste pastes text into an element.
func (p *inspector) paste(selector, text string) {
	p.t.Helper()
	eval[bool](p.tab, fmt.Sprintf(`(async () => {
		await navigator.clipboard.writeText(%s);
		document.querySelector(%s).focus();
		return true;
	})()`, js(text), js(selector)))
	const control = 2 // the modifier
	call(p.tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "v", Code: "KeyV", Modifiers: control,
		Commands: []string{"paste"},
	})
	call(p.tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyUp, Key: "v", Code: "KeyV", Modifiers: control,
	})
}

// copied clicks on an element and returns the text that the page then copies to the clipboard.
func (p *inspector) copied(selector string) string {
	p.t.Helper()
	eval[bool](p.tab, `navigator.clipboard.writeText("").then(() => true)`)
	p.click(selector)
	p.waitFor(`await navigator.clipboard.readText() !== ""`)
	return eval[string](p.tab, `navigator.clipboard.readText()`)
}

// TestFormTakesAndGivesCommands pastes a curl command, sends the request and copies it as commands.
// The clipboard belongs to the browser, so only this test uses it.
func TestFormTakesAndGivesCommands(t *testing.T) {
	t.Parallel()
	conn := ssetest.Conn{
		ssetest.WantHeader("X-Text", `it's "quoted" $HOME`),
		ssetest.WantHeader("Authorization", "Bearer s3cr3t"),
		ssetest.WantHeader("Content-Type", "application/json"),
		ssetest.Send(numbered(1, 2)...),
		stall,
	}
	srv := ssetest.NewServer(t, conn, conn, conn)
	curl := "curl -N '" + srv.URL + "/path?a=b&c=d' \\\n" +
		`  -H 'X-Text: it'\''s "quoted" $HOME' \` + "\n" +
		`  -H 'Authorization: Bearer s3cr3t' \` + "\n" +
		`  -d '{"prompt":"it'\''s\n"}'`
	want := form{
		URL: srv.URL + "/path?a=b&c=d", Method: "POST", Body: `{"prompt":"it's\n"}`,
		Headers: [][2]string{
			{"Authorization", "Bearer s3cr3t"},
			{"Content-Type", "application/json"},
			{"X-Text", `it's "quoted" $HOME`},
		},
	}
	p := inspect(t)
	p.useClipboard()
	p.paste("#url", curl)
	p.waitFor(`document.querySelector("#url").value === %s`, js(want.URL))
	p.checkForm(want)
	p.click("#send")
	p.waitForEvents(2)

	p.fill("#last-event-id", "id 7")
	copiedCurl, copiedSSE := p.copied("#copy-curl"), p.copied("#copy-sse")
	for _, command := range []string{copiedCurl, copiedSSE} {
		if !strings.Contains(command, "s3cr3t") {
			t.Errorf("the copied command lacks the header: %s", command)
		}
	}
	want.LastEventID = "id 7"
	for _, command := range []string{copiedSSE, copiedCurl} {
		if command == copiedCurl { // curl does not send them by itself
			want.Headers = slices.Insert(want.Headers, 0, [2]string{"Accept", "text/event-stream"})
			want.Headers = slices.Insert(want.Headers, 2, [2]string{"Cache-Control", "no-cache"})
		}
		q := inspect(t)
		q.useClipboard()
		q.paste("#url", command)
		q.waitFor(`document.querySelector("#url").value === %s`, js(want.URL))
		q.checkForm(want)
		if again := q.copied("#copy-curl"); again != copiedCurl {
			t.Errorf("the pasted command is copied as\n%s\nwant\n%s", again, copiedCurl)
		}
	}

	// A shell understands the commands. The server checks the headers.
	runShell(t, copiedSSE+" -n 2")
	if _, err := exec.LookPath("curl"); err == nil {
		runShell(t, copiedCurl+" -m 2 || [ $? = 28 ]")
	} else { // the server waits for a third request
		runShell(t, copiedSSE+" -n 2")
	}
	for i, r := range srv.Requests() {
		if r.Method != "POST" || r.URL.String() != "/path?a=b&c=d" || string(r.Body) != want.Body {
			t.Errorf("request %d is %s %s with body %q", i+1, r.Method, r.URL, r.Body)
		}
		if id, _ := r.LastEventID(); i > 0 && id != "id 7" {
			t.Errorf("request %d has the Last-Event-ID %q", i+1, id)
		}
	}
}

// checkForm verifies the form, apart from the fields that have a default.
func (p *inspector) checkForm(want form) {
	p.t.Helper()
	got := p.form()
	want.Reconnect, want.IdleTimeout = got.Reconnect, got.IdleTimeout
	if js(got) != js(want) {
		p.t.Errorf("the form contains %s\nwant %s", js(got), js(want))
	}
}

// runShell runs a command line, in which sse is the program.
func runShell(t *testing.T, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s\n%v\n%s", line, err, out)
	}
}

func TestFlagsFillTheForm(t *testing.T) {
	t.Parallel()
	p := inspect(t, "-H", "X-One: 1", "-d", `{"a":1}`, "--last-event-id", "5", "--no-reconnect",
		"--idle-timeout", "45s", "http://127.0.0.1:1/events?x=y")
	want := form{
		URL: "http://127.0.0.1:1/events?x=y", Method: "POST", Body: `{"a":1}`, LastEventID: "5",
		IdleTimeout: "45s",
		Headers:     [][2]string{{"Content-Type", "application/json"}, {"X-One", "1"}},
	}
	if got := p.form(); js(got) != js(want) {
		t.Errorf("the form contains %s\nwant %s", js(got), js(want))
	}
	q := inspect(t, "-k", "https://127.0.0.1:1/")
	q.waitForText("body", "-k: certificates are not verified")
}

func TestFormReportsErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fill func(p *inspector)
		want string // selector of the field
	}{
		{"no URL", func(p *inspector) { p.fill("#url", "") }, "#url"},
		{"bad URL", func(p *inspector) { p.fill("#url", "http://[") }, "#url"},
		{"other scheme", func(p *inspector) { p.fill("#url", "ftp://example.com/") }, "#url"},
		{"idle timeout", func(p *inspector) {
			p.fill("#url", "http://127.0.0.1:1/")
			p.fill("#idle-timeout", "soon")
		}, "#idle-timeout"},
		{"header", func(p *inspector) {
			p.fill("#url", "http://127.0.0.1:1/")
			p.addHeader("a b", "c")
		}, "#headers input"},
	}
	p := inspect(t)
	p.allow("status of 422")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p.navigate(p.base) // resets the form
			p.waitForForm()
			test.fill(p)
			p.click("#send")
			p.waitFor(`document.querySelector("#form-error").innerText.trim() !== ""`)
			p.waitFor(`[...document.querySelectorAll(%s)]
				.some(e => e.getAttribute("aria-invalid") === "true")`, js(test.want))
			p.waitForState("idle")
		})
	}
}

func TestRecentRequestsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	conn := ssetest.Conn{ssetest.Send(numbered(1, 1)...), stall}
	srv := ssetest.NewServer(t, conn, conn)
	p := inspect(t)
	p.addHeader("Authorization", "Bearer s3cr3t-1")
	p.addHeader("X-Kind", "plain")
	url := strings.Replace(srv.URL, "http://", "http://user:s3cr3t-2@", 1)
	p.send(url + "/events?page=7&api_key=s3cr3t-3")
	p.waitForEvents(1)
	p.click("#stop")
	p.waitForState("closed")

	p.do(chromedp.Reload())
	p.waitForForm()
	p.click("#recent-panel summary")
	p.waitForText("#recent", "/events?page=7")
	stored := eval[string](p.tab, `JSON.stringify({...localStorage, ...sessionStorage})`)
	if !strings.Contains(stored, "X-Kind") {
		t.Errorf("the storage of the browser lacks the request: %s", stored)
	}
	for _, text := range []string{stored, eval[string](p.tab, `document.documentElement.outerHTML`)} {
		if i := strings.Index(text, "s3cr3t"); i >= 0 {
			t.Errorf("found the secret %s", text[max(0, i-40):min(len(text), i+10)])
		}
	}
	p.click("#recent button")
	p.waitFor(`document.querySelector("#url").value.includes("/events?page=7")`)
	got := p.form()
	if fmt.Sprint(got.Headers) != "[[Authorization ] [X-Kind plain]]" {
		t.Errorf("the recent request has the headers %q", got.Headers)
	}
	p.click("#send") // the secret was not stored, so it must be entered again
	p.waitForText("#form-error", "Authorization")
	p.fill("#headers .header:nth-of-type(1) input.value", "Bearer s3cr3t-1")
	p.click("#send")
	p.waitForEvents(1)
	p.waitForState("open")
}
