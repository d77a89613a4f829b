// The timeline: what it shows, and what the pointer and the keyboard do with it.

import { OTHER } from "./colors.js";
import { byId, element, visible } from "./dom.js";
import { bytes, clock, count, duration, sentence, truncate } from "./format.js";
import { axisRange } from "./histogram.js";
import { columnWidth, layout, paint, readPalette } from "./paint.js";

const reach = 6; // pixels from the pointer within which an event is found
const maxGaps = 20;

/** Shows one mark for each event of a run, and the states of the connection. */
export class Timeline {
  #canvas = byId("timeline");
  #tip = byId("timeline-tip");
  #legend = byId("legend");
  #context = this.#canvas.getContext("2d");
  #palette = null;
  #width = 0;
  #range = 0;
  #legendSize = 0; // number of items
  #cursor = null; // position of the event that the keyboard has reached
  #selected = null; // the selected event

  constructor({ onselect, onopen, ontype, onchange }) {
    Object.assign(this, { onselect, onopen, ontype, onchange });
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", e => this.#showTip(e.offsetX));
    canvas.addEventListener("pointerleave", () => this.#hideTip());
    canvas.addEventListener("click", e => this.#onclick(e));
    canvas.addEventListener("keydown", e => this.#onkeydown(e));
    for (const type of ["focus", "blur"]) {
      canvas.addEventListener(type, () => {
        this.#hideTip();
        onchange();
      });
    }
    this.#legend.addEventListener("click", e => {
      const item = e.target.closest("button");
      if (item) this.ontype(item.value);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#palette = null;
      onchange();
    });
    new ResizeObserver(() => {
      this.#width = 0;
      onchange();
    }).observe(canvas);
  }

  reset(run) {
    this.run = run;
    this.#cursor = this.#selected = null;
    this.#range = 0;
    this.#legend.replaceChildren();
    this.#legendSize = 0;
    this.#hideTip();
    this.#describe();
  }

  /** Marks the selected event, or none if it is null. */
  select(event) {
    this.#selected = event;
    if (event) this.#cursor = this.run.store.search("n", event.n);
  }

  render() {
    const { run } = this;
    this.#resize();
    this.#palette ??= readPalette(this.#canvas);
    const now = run.isLive ? run.now : run.lastTime;
    this.#range = Math.max(axisRange(now), 1000);
    const columns = run.marks.columns(
      this.#range,
      Math.max(Math.ceil(this.#width / columnWidth), 1),
    );
    paint(
      this.#context,
      {
        width: this.#width,
        range: this.#range,
        columns,
        colors: run.marks.colors,
        segments: segmentsOf(run.states.items, now),
        gaps: this.#gaps(columns),
        now: run.isLive ? now : null,
        selected: this.#selected?.t ?? null,
        cursor:
          this.#hasFocus && this.#cursor !== null ? (run.store.get(this.#cursor)?.t ?? null) : null,
      },
      this.#palette,
    );
    this.#renderLegend();
    this.#canvas.setAttribute("aria-valuemax", run.store.end);
  }

  get #hasFocus() {
    return document.activeElement === this.#canvas;
  }

  #resize() {
    if (this.#width > 0) return;
    const ratio = devicePixelRatio;
    this.#width = this.#canvas.clientWidth;
    this.#canvas.width = Math.round(this.#width * ratio);
    this.#canvas.height = Math.round(layout.height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  // Finds the gaps that are wide on the screen and long for this stream.
  #gaps(columns) {
    const {
      store,
      stats,
      marks: { colors },
    } = this.run;
    const least = Math.max(3 * (stats?.gapP50 ?? 0), 200);
    const result = [];
    let last = -1;
    for (let i = 0; i < columns.length; i += colors) {
      if (!columns.subarray(i, i + colors).some(n => n > 0)) continue;
      const column = i / colors;
      if (last >= 0 && (column - last) * columnWidth > 60) {
        const event = store.get(store.search("t", this.#time(column * columnWidth)));
        if (event && event.gap >= least) result.push({ from: event.t - event.gap, to: event.t });
      }
      last = column;
    }
    return result.sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, maxGaps);
  }

  #renderLegend() {
    const entries = [...this.run.colors.entries()].filter(([type]) => this.run.types.has(type));
    const isOther = this.run.types.size > entries.length;
    const size = entries.length + isOther;
    if (size === this.#legendSize) return;
    this.#legendSize = size;
    this.#legend.replaceChildren(
      ...entries.map(([type, color]) =>
        element(
          "li",
          {},
          element(
            "button",
            { type: "button", class: "quiet", value: type, title: "Show only this type" },
            element("span", { class: "swatch", "data-color": color }),
            ...visible(truncate(type, 40), { limit: 10 }),
          ),
        ),
      ),
    );
    if (isOther) {
      this.#legend.append(
        element(
          "li",
          { class: "soft" },
          element("span", { class: "swatch", "data-color": OTHER }),
          "other types",
        ),
      );
    }
  }

  #time(x) {
    return (x / this.#width) * this.#range;
  }

  // Returns the position of the event that is nearest to x, or null if none is near.
  #nearest(x) {
    const { store } = this.run;
    const distance = position => Math.abs((store.get(position).t / this.#range) * this.#width - x);
    const after = store.search("t", this.#time(x));
    const candidates = [after, after - 1].filter(p => p >= store.first && p < store.end);
    candidates.sort((a, b) => distance(a) - distance(b));
    return candidates.length > 0 && distance(candidates[0]) <= reach ? candidates[0] : null;
  }

  #onclick(e) {
    const position = this.#nearest(e.offsetX);
    if (position !== null) this.onselect(position);
  }

  #onkeydown(e) {
    const { store } = this.run;
    if (store.end === store.first || e.ctrlKey || e.altKey || e.metaKey) return;
    const current = Math.max(this.#cursor ?? store.end - 1, store.first);
    const far = direction =>
      store.search("t", store.get(current).t + (direction * this.#range) / 20);
    const next = {
      ArrowLeft: () => (this.#cursor === null ? current : current - 1),
      ArrowRight: () => (this.#cursor === null ? current : current + 1),
      PageUp: () => Math.min(far(-1), current - 1),
      PageDown: () => Math.max(far(1), current + 1),
      Home: () => store.first,
      End: () => store.end - 1,
    }[e.key];
    if (next) {
      this.#cursor = Math.min(Math.max(next(), store.first), store.end - 1);
      this.#describe();
      this.onchange();
      this.#showTip((store.get(this.#cursor).t / this.#range) * this.#width, this.#cursor);
    } else if (e.key === "Enter" && this.#cursor !== null) {
      this.onselect(current);
      this.onopen();
    } else return;
    e.preventDefault();
  }

  // Tells the event at the cursor to screen readers.
  #describe() {
    const event = this.#cursor === null ? null : this.run.store.get(this.#cursor);
    const text = event
      ? `event ${event.n}, ${truncate(event.type, 60)}, at ${clock(event.t)} seconds`
      : "no event";
    this.#canvas.setAttribute("aria-valuenow", event?.n ?? 0);
    this.#canvas.setAttribute("aria-valuetext", text);
  }

  #showTip(x, position = this.#nearest(x)) {
    const tip = this.#tip;
    const content = position === null ? this.#stateTip(x) : this.#eventTip(position);
    tip.hidden = content.length === 0;
    tip.replaceChildren(...content);
    if (tip.hidden) return;
    const left = Math.min(Math.max(x - tip.offsetWidth / 2, 0), this.#width - tip.offsetWidth);
    tip.style.transform = `translateX(${Math.max(left, 0)}px)`;
  }

  #hideTip() {
    this.#tip.hidden = true;
  }

  #eventTip(position) {
    const { store } = this.run;
    const event = store.get(position);
    const facts = [`${clock(event.t)} s`, bytes(event.size)];
    if (event.gap != null) facts.splice(1, 0, `gap ${duration(event.gap)}`);
    const near =
      store.search("t", event.t + (this.#range / this.#width) * columnWidth) - position - 1;
    if (near > 0) facts.push(`and ${count(near)} more`);
    return [
      element(
        "p",
        {},
        element("span", { class: "swatch", "data-color": event.color }),
        element("b", { text: count(event.n) }),
        " ",
        ...visible(truncate(event.type, 60), { limit: 10 }),
      ),
      element("p", { class: "soft", text: facts.join(" · ") }),
    ];
  }

  #stateTip(x) {
    const { run } = this;
    const t = this.#time(x);
    const state = run.states.items.findLast(s => s.t <= t);
    if (!state || t > run.now) return [];
    const name = { connecting: "Connecting", open: "Open", waiting: "Waiting", closed: "Closed" };
    return [
      element("p", { text: `${name[state.state] ?? state.state} since ${clock(state.t)} s` }),
      ...(state.reason
        ? [element("p", { class: "soft" }, ...visible(sentence(truncate(state.reason, 200))))]
        : []),
    ];
  }
}

/** Returns the segments of the band: {state, from, to, isEnd}. */
function segmentsOf(states, now) {
  return states.map(({ state, t }, i) => ({
    state,
    from: t,
    to: states[i + 1]?.t ?? now,
    isEnd: i > 0 && states[i - 1].state === "open",
  }));
}
