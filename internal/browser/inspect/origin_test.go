package inspect

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// TestOtherOriginsAreRefused opens a page of another origin that knows the address of the page of
// sse inspect, and tries to use it.
func TestOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(numbered(1, 1)...), stall})
	p := inspect(t)
	p.send(srv.URL)
	p.waitForEvents(1)

	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><p>another page</p>`))
	}))
	t.Cleanup(other.Close)
	send := js(js(map[string]any{"url": srv.URL + "/stolen", "method": "GET", "headers": []any{}}))
	tests := []struct{ name, attack string }{
		{"fetch of the relay", `fetch(base + "relay").then(r => r.text())`},
		{"fetch of the setup", `fetch(base + "setup").then(r => r.text())`},
		{"fetch of the page", `fetch(base).then(r => r.text())`},
		{"fetch of the saved stream", `fetch(base + "save?format=raw").then(r => r.text())`},
		{"EventSource", `new Promise((resolve, reject) => {
			const source = new EventSource(base + "relay");
			for (const type of ["message", "run", "state", "event", "open"])
				source.addEventListener(type, () => { source.close(); resolve(type) });
			source.onerror = () => { source.close(); reject("error") };
		})`},
		{"post of JSON", `fetch(base + "send", {method: "POST", body: ` + send + `,
			headers: {"Content-Type": "application/json"}}).then(r => r.text())`},
		{"simple post", `fetch(base + "send", {method: "POST", body: ` + send + `}).then(r => r.text())`},
		{"script", `new Promise((resolve, reject) => {
			const e = document.createElement("script");
			e.src = base + "setup"; e.onload = resolve; e.onerror = () => reject("error");
			document.head.append(e);
		})`},
	}
	q := newTab(t)
	q.allow("") // the browser reports each attempt as an error
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q.navigate(other.URL + "/")
			got := eval[string](q, `(async () => {
				const base = `+js(p.base)+`;
				try { return "succeeded: " + await (`+test.attack+`) } catch (e) { return "failed" }
			})()`)
			if got != "failed" {
				t.Errorf("the attempt %s", got)
			}
		})
	}

	t.Run("frame", func(t *testing.T) {
		q.navigate(other.URL + "/")
		eval[bool](q, `new Promise(resolve => {
			const frame = document.createElement("iframe");
			frame.src = `+js(p.base)+`;
			frame.onload = () => resolve(true);
			document.body.append(frame);
		})`)
		// The page that made the frame cannot see whether the browser shows an error in it.
		children := call(q, page.GetFrameTree, cdp.Empty{}).FrameTree.ChildFrames
		if len(children) != 1 || children[0].Frame.UnreachableURL != p.base {
			t.Error("the page was shown in a frame")
		}
	})
	t.Run("opaque post", func(t *testing.T) {
		q.navigate(other.URL + "/")
		eval[bool](q, `Promise.all([`+
			`fetch(`+js(p.base+"send")+`, {method: "POST", mode: "no-cors", body: `+send+`}), `+
			`fetch(`+js(p.base+"stop")+`, {method: "POST", mode: "no-cors"})]).then(() => true, () => true)`)
	})
	t.Run("form", func(t *testing.T) {
		for _, action := range []string{"send", "stop"} {
			q.navigate(other.URL + "/")
			eval[bool](q, `(() => {
				const form = document.createElement("form");
				form.method = "POST"; form.action = `+js(p.base+action)+`; form.enctype = "text/plain";
				const field = document.createElement("input");
				field.name = `+send+`; field.value = "";
				form.append(field); document.body.append(form); form.submit();
				return true;
			})()`)
			q.waitFor(`location.href === %s && document.readyState === "complete"`, js(p.base+action))
		}
	})
	// None of the attempts ended the stream or sent another request.
	p.waitForState("open")
	p.waitForEvents(1)
	if n := len(srv.Requests()); n != 1 {
		t.Errorf("the server received %d requests, want 1", n)
	}
}

// TestRebindingIsRefused opens the page under a host name that resolves to the loopback interface.
func TestRebindingIsRefused(t *testing.T) {
	t.Parallel()
	p := inspect(t)
	u, err := url.Parse(p.base)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = rebindHost + ":" + u.Port()
	q := newTab(t)
	q.allow("") // the browser reports that the page is not secure
	q.navigate(u.String())
	if status := q.status(); status < 400 || status > 499 {
		t.Errorf("%s: status %d, want a refusal", u, status)
	}
	if text := q.text("html"); strings.Contains(text, path.Base(u.Path)) {
		t.Errorf("the response %q contains the token", text)
	}
}

// status returns the status of the response for the page.
func (p *tab) status() int {
	p.t.Helper()
	return eval[int](p, `performance.getEntriesByType("navigation")[0].responseStatus`)
}

func TestWrongTokenIsNotFound(t *testing.T) {
	t.Parallel()
	base := start(t, "inspect")
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.Trim(u.Path, "/")
	if len(token) != 32 {
		t.Errorf("the token %q does not have 128 bits", token)
	}
	paths := []string{"/", "/relay", "/" + strings.Repeat("0", 32) + "/", "/" + token[:31] + "/",
		"/" + token + "x/", "/index.html", "/" + token + "/../", "/" + token + "/missing"}
	p := newTab(t)
	p.allow("status of 404")
	for _, target := range paths {
		u.Path = target
		p.navigate(u.String())
		if status := p.status(); status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", target, status)
		}
		if text := p.text("html"); strings.Contains(text, token) {
			t.Errorf("%s: the response %q contains the token", target, text)
		}
	}
}
