// The list of events. Only the rows that can be seen are in the document.

import { byId, element, setText, visible } from "./dom.js";
import { bytes, clock, count, duration, truncate } from "./format.js";

const overscan = 8; // rows above and below the visible ones
const maxRows = 180;
const previewLength = 240; // characters of the data in a row

/** A listbox that shows the events that a filter has found. */
export class EventList {
  #root = byId("events");
  #space = this.#root.querySelector(".space");
  #body = this.#root.querySelector(".rows");
  #rows = []; // elements of #body, in order
  #top = 0; // index of the event of the first row
  #rowHeight = 28;
  #viewHeight = 0;
  #scrollTop = 0; // where the list is, or will be after the next frame
  #lastTop = 0; // the scroll position of the element as the list has set or seen it
  #anchor = { position: 0, offset: 0 }; // the event at the top, if the list does not follow the end

  /** Whether the list scrolls to new events. */
  following = true;

  /** The position of the selected event, or null. */
  selected = null;

  constructor({ onselect, onopen, onchange }) {
    Object.assign(this, { onselect, onopen, onchange });
    this.#root.addEventListener("scroll", () => this.readScroll());
    this.#root.addEventListener("click", e => this.#onclick(e));
    this.#root.addEventListener("dblclick", () => this.onopen());
    this.#root.addEventListener("keydown", e => this.#onkeydown(e));
    byId("follow").addEventListener("click", () => this.follow());
    new ResizeObserver(() => this.#measure()).observe(this.#root);
  }

  reset(run, filter) {
    this.run = run;
    this.filter = filter;
    this.selected = null;
    this.following = true;
    this.#anchor = { position: 0, offset: 0 };
    this.#clearRows();
  }

  /** Shows the result of another filter: the selected event if it is in it, or else the end. */
  refilter() {
    this.following = this.selected === null;
    this.#anchor = { position: this.selected ?? Infinity, offset: -this.#viewHeight / 2 };
    this.#clearRows();
  }

  /** Scrolls to the end and stays there. */
  follow() {
    if (this.selected !== null) this.select(null);
    this.following = true;
    this.onchange();
  }

  /** Selects the event at a position, or none if it is null. */
  select(position) {
    this.selected = position;
    if (position !== null && this.following) {
      this.#setAnchor(); // the list stays where it is
      this.following = false;
    }
    this.onselect(position === null ? null : this.run.store.get(position));
    this.onchange();
  }

  /** Scrolls so that the selected event can be seen. */
  reveal() {
    if (this.selected === null || !this.filter.has(this.selected)) return;
    const top = this.filter.indexOf(this.selected) * this.#rowHeight;
    const bottom = top + this.#rowHeight - this.#viewHeight;
    this.#scrollTop = Math.max(Math.min(this.#scrollTop, top), bottom, 0);
    this.#setAnchor();
    this.onchange();
  }

  // Keeps the position of the list relative to its events, which may be dropped.
  #setAnchor() {
    const index = Math.floor(this.#scrollTop / this.#rowHeight);
    const position = index < this.filter.length ? this.filter.at(index) : Infinity;
    this.#anchor = { position, offset: this.#scrollTop - index * this.#rowHeight };
  }

  /** Notices that the user has scrolled. It is called before each frame changes anything. */
  readScroll() {
    const top = this.#root.scrollTop;
    if (Math.abs(top - this.#lastTop) < 1) return;
    this.#scrollTop = this.#lastTop = top;
    const atEnd = top + this.#root.clientHeight >= this.#root.scrollHeight - 2;
    this.following = atEnd && this.selected === null;
    this.#setAnchor();
    this.onchange();
  }

  #measure() {
    const probe = element("div", { class: "row" });
    this.#root.append(probe);
    this.#rowHeight = probe.getBoundingClientRect().height || this.#rowHeight;
    probe.remove();
    this.#viewHeight = this.#root.clientHeight;
    this.#clearRows();
    this.onchange();
  }

  #clearRows() {
    for (const row of this.#rows) row.position = -1;
  }

  render() {
    const { filter } = this;
    const height = filter.length * this.#rowHeight;
    const top = this.following
      ? Infinity
      : filter.indexOf(this.#anchor.position) * this.#rowHeight + this.#anchor.offset;
    this.#scrollTop = Math.max(Math.min(top, height - this.#viewHeight), 0);
    const wanted = Math.ceil(this.#viewHeight / this.#rowHeight) + 2 * overscan;
    const n = Math.min(wanted, maxRows, filter.length);
    const first = Math.floor(this.#scrollTop / this.#rowHeight) - overscan;
    this.#resize(n);
    this.#move(Math.max(Math.min(first, filter.length - n), 0));
    this.#body.style.transform = `translateY(${this.#top * this.#rowHeight}px)`;
    for (const [i, row] of this.#rows.entries()) this.#fill(row, this.#top + i);
    this.#scroll(height);
    const active = this.#rows.find(row => row.position === this.selected && this.selected !== null);
    this.#root.setAttribute("aria-activedescendant", active?.id ?? "");
    byId("follow").hidden = this.following || filter.length === 0;
    byId("no-events").hidden = filter.length > 0;
    setText(
      byId("no-events"),
      this.run.store.end === 0
        ? "Events appear here."
        : filter.remaining > 0
          ? "Searching …"
          : "No event matches the filter.",
    );
  }

  // The scroll position is set after the rows, so that the browser computes the layout only once.
  #scroll(height) {
    const style = `${height}px`;
    if (this.#space.style.height !== style) this.#space.style.height = style;
    const isOff = Math.abs(this.#root.scrollTop - this.#scrollTop) >= 1;
    if (isOff) this.#root.scrollTop = this.#scrollTop;
    this.#scrollTop = this.#lastTop = this.#root.scrollTop;
  }

  #resize(n) {
    while (this.#rows.length > n) this.#rows.pop().remove();
    while (this.#rows.length < n) {
      const row = newRow();
      this.#rows.push(row);
      this.#body.append(row);
    }
  }

  // Moves the rows that leave the view at one end to the other end, so that the others stay.
  #move(top) {
    const rows = this.#rows;
    if (Math.abs(top - this.#top) < rows.length) {
      for (; this.#top < top; this.#top++) {
        rows.push(rows.shift());
        this.#body.append(rows.at(-1));
      }
      for (; this.#top > top; this.#top--) {
        rows.unshift(rows.pop());
        this.#body.prepend(rows[0]);
      }
    }
    this.#top = top;
  }

  #fill(row, index) {
    const position = this.filter.at(index);
    const { store } = this.run;
    if (row.position !== position) {
      row.position = position;
      fillRow(row, store.get(position), store.get(position - 1));
      row.id = `event-${row.dataset.n}`;
    }
    const selected = String(position === this.selected);
    if (row.ariaSelected !== selected) row.ariaSelected = selected;
    row.ariaPosInSet = String(index + 1);
    row.ariaSetSize = String(this.filter.length);
  }

  #onclick(e) {
    const row = e.target.closest("[role=option]");
    if (row) this.select(row.position);
  }

  #onkeydown(e) {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const { length } = this.filter;
    const page = Math.max(Math.floor(this.#viewHeight / this.#rowHeight) - 1, 1);
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[e.key];
    if (e.key === "Enter" && this.selected !== null) this.onopen();
    else if (length > 0 && e.key === "Home") this.#selectIndex(0);
    else if (length > 0 && e.key === "End") this.#selectIndex(length - 1);
    else if (length > 0 && step) this.#selectIndex(this.#next(step));
    else return;
    e.preventDefault();
  }

  #next(step) {
    if (this.selected !== null && this.filter.has(this.selected)) {
      return this.filter.indexOf(this.selected) + step;
    }
    const first = Math.ceil(this.#scrollTop / this.#rowHeight);
    const visibleRows = Math.floor(this.#viewHeight / this.#rowHeight);
    return this.following ? this.filter.length - 1 : step > 0 ? first : first + visibleRows - 1;
  }

  #selectIndex(index) {
    index = Math.min(Math.max(index, 0), this.filter.length - 1);
    this.select(this.filter.at(index));
    this.reveal();
  }
}

const columns = ["n", "time", "gap", "type", "id", "data"];

function newRow() {
  const row = element(
    "div",
    { role: "option", class: "row" },
    ...columns.map(column => element("span", { class: column })),
  );
  row.position = -1;
  return row;
}

function fillRow(row, event, before) {
  const [n, time, gap, type, id, data] = row.children;
  row.dataset.n = event.n;
  setText(n, count(event.n));
  setText(time, clock(event.t));
  setText(gap, event.gap == null ? "" : `+${duration(event.gap)}`);
  type.replaceChildren(
    element("span", { class: "swatch", "data-color": event.color }),
    ...preview(event.type, 60),
  );
  id.replaceChildren(...preview(event.id, 60));
  data.replaceChildren(...chips(event, before), ...preview(event.data, previewLength));
  type.title = truncate(event.type, 200);
}

function chips(event, before) {
  const result = [];
  const chip = (kind, text) =>
    result.push(element("span", { class: "chip", "data-kind": kind, text }), " ");
  if (before && before.attempt !== event.attempt) chip("warn", `attempt ${count(event.attempt)}`);
  if (event.error) chip("bad", "error");
  if (event.cut) chip("info", bytes(event.size));
  return result;
}

const preview = (text, length) => visible(truncate(text, length), { limit: 40 });
