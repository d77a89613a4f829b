// The positions of the events that the list shows.

/** Returns a function that reports whether an event matches, or null if all events do. */
export function matcher(type, text) {
  if (!type && !text) return null;
  if (!text) return event => event.type === type;
  // A regular expression ignores case without a copy of the data.
  const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "iu");
  return event =>
    (!type || event.type === type) &&
    (pattern.test(event.data) || pattern.test(event.type) || pattern.test(event.id));
}

/**
 * Finds the events of a store that match. It searches in steps, so that the page stays responsive:
 * first the events that are new, then those before them, from the newest to the oldest.
 */
export class Filter {
  #match = null;
  #older = []; // matching positions before the start of the search, in descending order
  #newer = []; // and those after it, in ascending order
  #skipped = 0; // number of elements of #newer that were dropped from the store
  #low = 0; // the events from #low to #high have been searched
  #high = 0;

  /** The position after the last event that is shown; Infinity, if all are. */
  limit = Infinity;

  constructor(store) {
    this.store = store;
  }

  /** Starts a new search. */
  set(type, text) {
    this.#match = matcher(type, text);
    this.#older = [];
    this.#newer = [];
    this.#skipped = 0;
    this.#low = this.#high = this.end;
  }

  /** The position after the last event that may be shown. */
  get end() {
    return Math.max(Math.min(this.limit, this.store.end), this.store.first);
  }

  /** The number of events that were found so far. */
  get length() {
    if (!this.#match) return this.end - this.store.first;
    return this.#older.length + this.#newer.length - this.#skipped;
  }

  /** The number of events that have not been searched yet. */
  get remaining() {
    if (!this.#match) return 0;
    return Math.max(this.end - this.#high, 0) + Math.max(this.#low - this.store.first, 0);
  }

  /** Returns the position of the match with this index. */
  at(index) {
    if (!this.#match) return this.store.first + index;
    const older = this.#older.length;
    return index < older
      ? this.#older[older - 1 - index]
      : this.#newer[index - older + this.#skipped];
  }

  /** Returns the number of matches before a position, which is its index if it is a match. */
  indexOf(position) {
    if (!this.#match) {
      return Math.min(Math.max(position - this.store.first, 0), this.length);
    }
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Reports whether the event at position is shown. */
  has(position) {
    const index = this.indexOf(position);
    return index < this.length && this.at(index) === position;
  }

  /** Searches while more returns true, or until everything was searched. */
  search(more) {
    if (!this.#match) return;
    this.#trim();
    const { store, end } = this;
    for (; this.#high < end && more(); this.#high++) {
      if (this.#match(store.get(this.#high))) this.#newer.push(this.#high);
    }
    for (; this.#low > store.first && more(); this.#low--) {
      if (this.#match(store.get(this.#low - 1))) this.#older.push(this.#low - 1);
    }
  }

  // Removes the matches that the store has dropped.
  #trim() {
    const first = this.store.first;
    while (this.#older.at(-1) < first) this.#older.pop();
    while (this.#newer[this.#skipped] < first) this.#skipped++;
    if (this.#skipped > 4096 && 2 * this.#skipped > this.#newer.length) {
      this.#newer.splice(0, this.#skipped);
      this.#skipped = 0;
    }
    this.#low = Math.max(this.#low, first);
    this.#high = Math.max(this.#high, first);
  }
}
