// The filter of the list and the pause.

import { byId, element, setText } from "./dom.js";
import { count, plural, truncate } from "./format.js";
import { Filter } from "./filter.js";
import { segments } from "./visible.js";

const [minSearch, maxSearch] = [6, 30]; // milliseconds of a frame for the search
const maxOptions = 300;

/** Holds the filter of the present run and shows what it has found. */
export class Toolbar {
  #type = byId("filter-type");
  #text = byId("filter-text");
  #matches = byId("matches");
  #pause = byId("pause");
  #dropped = byId("dropped");
  #optionCount = 0;
  #lastSearch = 0; // when the search was last continued

  constructor({ onfilter, onpause }) {
    Object.assign(this, { onfilter, onpause });
    this.#type.addEventListener("change", () => this.#search());
    this.#text.addEventListener("input", () => this.#search());
    this.#pause.addEventListener("click", () => this.togglePause());
  }

  /** Begins with a run. The filter stays as the user has set it. */
  reset(run) {
    this.run = run;
    this.filter = new Filter(run.store);
    this.#optionCount = 0;
    const chosen = this.#type.value;
    this.#type.replaceChildren(element("option", { value: "", text: "All types" }));
    if (chosen) this.#addOption(chosen);
    this.#type.value = chosen;
    this.filter.set(chosen, this.#text.value);
    this.#pause.ariaPressed = "false";
  }

  get paused() {
    return this.filter.limit !== Infinity;
  }

  togglePause() {
    const { filter } = this;
    filter.limit = this.paused ? Infinity : this.run.store.end;
    this.#pause.ariaPressed = String(this.paused);
    this.onpause();
  }

  /** Shows only the events of a type, or all if only those are shown now. */
  toggleType(type) {
    if (![...this.#type.options].some(option => option.value === type)) this.#addOption(type);
    this.#type.value = this.#type.value === type ? "" : type;
    this.#search();
  }

  /** Removes the filter, and reports whether there was one. */
  clear() {
    if (!this.#type.value && !this.#text.value) return false;
    this.#type.value = this.#text.value = "";
    this.#search();
    return true;
  }

  #search() {
    this.filter.set(this.#type.value, this.#text.value);
    this.onfilter();
  }

  /** Continues the search for a part of a frame, and reports whether it is complete. */
  search() {
    const start = performance.now();
    // If frames are slow anyway, a third of their time is used, so that the search does not starve.
    const share = (start - this.#lastSearch) / 3;
    const end = start + Math.min(Math.max(share, minSearch), maxSearch);
    this.filter.search(() => performance.now() < end);
    this.#lastSearch = start;
    return this.filter.remaining === 0;
  }

  render() {
    const { run, filter } = this;
    this.#renderTypes();
    const total = filter.end - run.store.first;
    const searching = filter.remaining > 0 ? ", searching …" : "";
    setText(this.#matches, `${count(filter.length)} of ${count(total)}${searching}`);
    Object.assign(this.#matches.dataset, { matches: filter.length, total });
    const waiting = this.paused ? run.store.end - filter.limit : 0;
    setText(this.#pause, !this.paused ? "Pause" : `Resume (${count(waiting)} new)`);
    this.#pause.dataset.waiting = waiting;
    const { first } = run.store;
    this.#dropped.hidden = first === 0;
    if (first > 0) setText(this.#dropped, `${plural(first, "older event")} dropped from this list`);
  }

  #renderTypes() {
    const { types } = this.run;
    if (types.size === this.#optionCount) return;
    for (const type of [...types].slice(this.#optionCount, maxOptions)) {
      if (![...this.#type.options].some(option => option.value === type)) this.#addOption(type);
    }
    this.#optionCount = types.size;
  }

  #addOption(type) {
    const text = segments(truncate(type, 80), { limit: 10 })
      .map(({ text, label }) => (label ? `⟨${label}⟩` : text))
      .join("");
    this.#type.append(element("option", { value: type, text }));
  }
}
