package inspect

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// filled opens a page that shows something in every part.
func filled(t *testing.T) *inspector {
	t.Helper()
	events := typed(1, 30)
	events = append(events, sse.Event{
		ID:   "a-long-id-without-any-place-to-break-it-0123456789012345678901234567890123456789",
		Type: "a.long.type.without.any.place.to.break.it.0123456789012345678901234567890123456789",
		Data: `{"choices":[{"delta":{"content":"Hello, world"}}],` +
			`"object":"chat.completion.chunk","long":"` +
			"0123456789012345678901234567890123456789012345678901234567890123456789012345678" + `"}`,
	})
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.Status(200, "X-Long", fmt.Sprintf("%0200d", 1)),
			ssetest.Send(events[:10]...),
			ssetest.Raw("no field\n\nData: x\n\n"),
			ssetest.Cut(),
		},
		ssetest.Conn{ssetest.Send(events[10:]...), stall},
	)
	p := inspect(t, "-H", "Authorization: Bearer s3cr3t", "-k")
	p.send(srv.URL + "/a/long/path/0123456789012345678901234567890123456789?q=0123456789012345")
	p.waitForEvents(len(events))
	p.waitForState("open")
	p.click(fmt.Sprintf(`#events [data-n="%d"]`, len(events)))
	p.waitForText("#details", "choices")
	return p
}

func TestLayoutFitsTheWindow(t *testing.T) {
	t.Parallel()
	p := filled(t)
	for _, width := range []int64{400, 700, 1280, 2000} {
		p.setWidth(width, 900)
		for _, tab := range []string{"#tab-raw", "#tab-data"} {
			p.click(tab)
			got := eval[int64](p.tab, `document.documentElement.scrollWidth`)
			if got > width {
				t.Errorf("at %d px the page is %d px wide because of %s", width, got, p.widest(width))
			}
		}
		for _, selector := range []string{"#url", "#send", "#state", "#counters", "#timeline",
			"#filter-text", "#events", "#details", "#save-raw"} {
			p.checkVisible(selector, width)
		}
	}
}

func TestLayoutShowsWholeCounters(t *testing.T) {
	t.Parallel()
	p := inspect(t)
	for _, width := range []int64{700, 899, 900, 1000, 1200, 1280, 1599, 1600, 2000} {
		p.setWidth(width, 900)
		for _, text := range []string{"1,023 bytes", "23 h 59 min", "59 min 59 s", "1,234,567"} {
			cut := eval[string](p.tab, fmt.Sprintf(`[...document.querySelectorAll("#counters dd")]
				.filter(dd => { dd.textContent = %s; return dd.scrollWidth > dd.clientWidth })
				.map(dd => dd.dataset.counter).join(", ")`, js(text)))
			if cut != "" {
				t.Errorf("at %d px, %s is cut in %s", width, text, cut)
			}
		}
	}
}

// widest describes the first elements that end right of the window.
func (p *tab) widest(width int64) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`[...document.querySelectorAll("body *")]
		.filter(e => e.getBoundingClientRect().right > %d)
		.slice(0, 5).map(e => e.tagName + "#" + e.id + "." + e.className).join(", ")`, width))
}

// checkVisible verifies that an element is visible and inside of the window, after scrolling.
func (p *tab) checkVisible(selector string, width int64) {
	p.t.Helper()
	problem := eval[string](p, fmt.Sprintf(`(e => {
		if (!e) return "is missing";
		e.scrollIntoView({block: "center"});
		if (!e.checkVisibility()) return "is hidden";
		const r = e.getBoundingClientRect();
		if (r.width < 10 || r.height < 10) return "is tiny";
		return r.left < 0 || r.right > %d ? "is outside of the window" : "";
	})(document.querySelector(%s))`, width, js(selector)))
	if problem != "" {
		p.t.Errorf("at %d px, %s %s", width, selector, problem)
	}
}

// TestLayoutDoesNotJump measures how far things move while events arrive. The browser calls it the
// layout shift. It does not count what moves because of a click.
func TestLayoutDoesNotJump(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	srv := ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.Wait(more),
			ssetest.Send(typed(1, 30)...),
			ssetest.Cut(),
		},
		ssetest.Conn{ssetest.Send(typed(31, 60)...), stall},
	)
	p := inspect(t)
	p.send(srv.URL)
	// Movements within half a second after input are not counted.
	eval[bool](p.tab, `new Promise(resolve => setTimeout(() => resolve(true), 600))`)
	close(more)
	p.waitForEvents(60)
	p.waitForState("open")
	got := eval[float64](p.tab, `new Promise(resolve => {
		let sum = 0;
		const add = list => list.forEach(e => sum += e.hadRecentInput ? 0 : e.value);
		const observer = new PerformanceObserver(list => add(list.getEntries()));
		observer.observe({type: "layout-shift", buffered: true});
		setTimeout(() => { add(observer.takeRecords()); resolve(sum) }, 100);
	})`)
	if got > 0.1 { // the limit that browsers call good
		t.Errorf("the layout shift is %.3f, want at most 0.1", got)
	}
}

func TestControlsHaveNames(t *testing.T) {
	t.Parallel()
	p := filled(t)
	controls := map[string]bool{}
	for _, role := range []string{"button", "textbox", "searchbox", "checkbox", "switch", "combobox",
		"listbox", "grid", "link", "tab", "tabpanel", "slider", "spinbutton", "radio", "menuitem",
		"image", "img", "table", "tree", "form", "region", "dialog"} {
		controls[role] = true
	}
	seen := map[string]int{}
	for _, n := range call(p.tab, accessibility.GetFullAXTree,
		accessibility.GetFullAXTreeParams{}).Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := valueOf(n.Role)
		seen[role]++
		if controls[role] && valueOf(n.Name) == "" {
			html := eval[string](p.tab, `document.activeElement.outerHTML.slice(0, 200)`)
			t.Errorf("a %s (node %d) has no name; %s", role, n.BackendDOMNodeID, html)
		}
	}
	for role, want := range map[string]int{"button": 8, "textbox": 4, "status": 1, "tab": 2} {
		if seen[role] < want {
			t.Errorf("%d elements have the role %s, want at least %d", seen[role], role, want)
		}
	}
	if lang := eval[string](p.tab, `document.documentElement.lang`); lang != "en" {
		t.Errorf("the language of the page is %q", lang)
	}
	if p.count("h1") != 1 || eval[string](p.tab, `document.title`) == "" {
		t.Error("the page lacks a heading or a title")
	}
}

// valueOf returns the text of a value of the accessibility tree.
func valueOf(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	s := string(v.Value)
	if len(s) > 1 && s[0] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

func TestTextHasContrast(t *testing.T) {
	t.Parallel()
	p := filled(t)
	backgrounds := map[string]float64{}
	for _, scheme := range []string{"light", "dark"} {
		p.setScheme(scheme)
		for _, problem := range eval[[]string](p.tab, contrastScript) {
			t.Errorf("%s: %s", scheme, problem)
		}
		backgrounds[scheme] = eval[float64](p.tab, `(() => {
			const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g);
			return (Number(r) + Number(g) + Number(b)) / 3;
		})()`)
	}
	if backgrounds["light"] < 200 || backgrounds["dark"] > 60 {
		t.Errorf("the brightness of the background is %v", backgrounds)
	}
}

// contrastScript returns the texts whose contrast is lower than WCAG 2 requires for level AA.
const contrastScript = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
	const parse = color => { // to red, green, blue and alpha
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = ([r, g, b, a], [R, G, B]) =>
		[r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
	const luminance = c => {
		const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 :
			((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const background = e => {
		const layers = [];
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			layers.push(c);
			if (c[3] === 1) break;
		}
		return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]);
	};
	const problems = new Map();
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; node = walker.nextNode();) {
		const e = node.parentElement, style = getComputedStyle(e);
		if (!node.data.trim() || !e.checkVisibility({visibilityProperty: true, opacityProperty: true}) ||
			e.closest(":disabled, [aria-disabled=true], option, script, style, .visually-hidden")) continue;
		const under = background(e), text = over(parse(style.color), under);
		const [a, b] = [luminance(text), luminance(under)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
		const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if (ratio < (large ? 3 : 4.5)) {
			problems.set(style.color + under, ratio.toFixed(2) + " for " +
				JSON.stringify(node.data.trim().slice(0, 30)) + ", " + style.color + " on " + under);
		}
	}
	return [...problems.values()];
})()`
