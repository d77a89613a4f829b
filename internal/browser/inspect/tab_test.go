package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

// tabTimeout limits everything that a test does in a tab.
const tabTimeout = 4 * time.Minute

// A tab is a tab of the browser with a profile of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string // of the page

	patience time.Duration // how long to wait for a condition

	mu      sync.Mutex
	faults  []string // errors of the page
	allowed []string // texts of errors that the test expects
}

// open opens a URL in a new tab, which is closed when the test ends. The test fails if a page in
// the tab reports an error or sends a request to another host.
func open(t *testing.T, url string) *tab {
	t.Helper()
	p := newTab(t)
	p.navigate(url)
	return p
}

func newTab(t *testing.T) *tab {
	t.Helper()
	chromium.Require(t)
	p := &tab{t: t, patience: 40 * time.Second}
	limited, cancelLimit := context.WithTimeout(browserCtx, tabTimeout)
	ctx, cancel := chromedp.NewContext(limited,
		chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	p.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page: %.3000s", strings.Join(strings.Fields(p.describe()), " "))
		}
		cancel()
		cancelLimit()
		for _, fault := range p.reported() {
			t.Error(fault)
		}
	})
	p.do(chromedp.EmulateViewport(1280, 900))
	return p
}

// navigate opens a URL in the tab.
func (p *tab) navigate(url string) {
	p.t.Helper()
	p.mu.Lock()
	p.url = url
	p.mu.Unlock()
	p.do(chromedp.Navigate(url))
}

// listen records the errors of the page. It must not block.
func (p *tab) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		p.fault("exception: %s", describeException(ev.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		switch ev.Type {
		case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning,
			runtime.ConsoleAPICalledTypeAssert:
			args, _ := json.Marshal(ev.Args)
			p.fault("console: %s: %s", ev.Type, args)
		}
	case *log.EventEntryAdded:
		if e := ev.Entry; e.Level == log.EntryLevelError || e.Level == log.EntryLevelWarning {
			p.fault("%s %s: %s (%s)", e.Source, e.Level, e.Text, e.URL)
		}
	case *page.EventJavascriptDialogOpening:
		p.fault("dialog: %s", ev.Message)
		go chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
	case *network.EventRequestWillBeSent:
		if to := ev.Request.URL; !p.isLocal(to) {
			p.fault("request to another host: %s", to)
		}
	}
}

// describeException returns the text of an exception.
func describeException(e *runtime.ExceptionDetails) string {
	text := e.Text
	if e.Exception != nil {
		text += " " + e.Exception.Description
	}
	return fmt.Sprintf("%s (%s:%d)", text, e.URL, e.LineNumber+1)
}

// isLocal reports whether a request for url stays on the host of the page.
func (p *tab) isLocal(url string) bool {
	for _, scheme := range []string{"data:", "blob:", "about:"} {
		if strings.HasPrefix(url, scheme) {
			return true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return hostOf(url) == hostOf(p.url)
}

// hostOf returns the scheme, the host and the port of a URL.
func hostOf(url string) string {
	parts := strings.SplitN(url, "/", 4)
	return strings.Join(parts[:min(len(parts), 3)], "/")
}

func (p *tab) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// allow says that the test expects errors that contain text.
func (p *tab) allow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, text)
}

// reported returns the errors of the page that the test does not expect.
func (p *tab) reported() (faults []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, fault := range p.faults {
		for _, text := range p.allowed {
			if strings.Contains(fault, text) {
				continue next
			}
		}
		faults = append(faults, fault)
	}
	return faults
}

// describe returns the text that the page shows.
func (p *tab) describe() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// do runs actions.
func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// call runs a command of the DevTools protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// eval returns the value of an expression, or of the promise that it is.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// waitFor waits until an expression is true.
func (p *tab) waitFor(format string, args ...any) {
	p.t.Helper()
	expression := fmt.Sprintf(format, args...)
	deadline := time.NewTimer(p.patience)
	defer deadline.Stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !eval[bool](p, "(async () => !!("+expression+"))()") {
		select {
		case <-ticker.C:
		case <-deadline.C:
			p.t.Fatalf("not true within %v: %s", p.patience, expression)
		}
	}
}

// js returns v as an expression of JavaScript.
func js(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// text returns the text that an element shows.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`document.querySelector(%s).innerText`, js(selector)))
}

// waitForText waits until the text of an element contains text.
func (p *tab) waitForText(selector, text string) {
	p.t.Helper()
	p.waitFor(`document.querySelector(%s)?.innerText.includes(%s)`, js(selector), js(text))
}

// count returns the number of elements.
func (p *tab) count(selector string) int {
	p.t.Helper()
	return eval[int](p, fmt.Sprintf(`document.querySelectorAll(%s).length`, js(selector)))
}

// click clicks on an element, which must be visible.
func (p *tab) click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	if err != nil {
		p.t.Fatalf("click %s: %v", selector, err)
	}
}

// press presses keys, which are characters or constants of package kb.
func (p *tab) press(keys string) {
	p.t.Helper()
	for _, r := range keys {
		events := kb.Encode(r)
		// The event that presses the key must contain its text. The browser would not connect a
		// second event with it, and would type the text even if the page prevents that.
		if len(events) == 3 {
			events[0].Text = events[1].Text
		}
		call(p, input.DispatchKeyEvent, *events[0])
		call(p, input.DispatchKeyEvent, *events[len(events)-1])
	}
}

// fill replaces the text of an input or a textarea, as typing does.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	eval[chromedp.Void](p, fmt.Sprintf(
		`(e => { e.focus(); e.select() })(document.querySelector(%s))`, js(selector)))
	if text == "" {
		p.press("\b")
		return
	}
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// choose sets the value of an element, which may be a select, an input or a checkbox.
func (p *tab) choose(selector string, value any) {
	p.t.Helper()
	eval[chromedp.Void](p, fmt.Sprintf(`((e, value) => {
		if (e.type === "checkbox") { if (e.checked !== value) e.click(); return }
		e.value = value;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true}));
	})(document.querySelector(%s), %s)`, js(selector), js(value)))
}
