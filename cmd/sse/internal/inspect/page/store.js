// The events that the page keeps.

/**
 * Keeps the newest events of a run, bounded by their number and the length of their text. Each
 * event has a position, which does not change: the first event has 0.
 */
export class Store {
  #events = [];
  #offset = 0; // position of #events[0]
  #text = 0; // number of characters kept

  /** The position of the oldest event that is kept, which is the number of those dropped. */
  first = 0;

  constructor(maxEvents = 200_000, maxText = 64 << 20) {
    this.maxEvents = maxEvents;
    this.maxText = maxText;
  }

  /** The position after the newest event. */
  get end() {
    return this.#offset + this.#events.length;
  }

  get(position) {
    return position < this.first ? undefined : this.#events[position - this.#offset];
  }

  push(event) {
    this.#events.push(event);
    this.#text += textLength(event);
    while (
      this.end - this.first > this.maxEvents ||
      (this.#text > this.maxText && this.end - this.first > 1)
    ) {
      this.#drop();
    }
  }

  #drop() {
    const i = this.first - this.#offset;
    this.#text -= textLength(this.#events[i]);
    this.#events[i] = undefined;
    this.first++;
    // Moving the rest only when half of the array is empty makes dropping cheap.
    if (i + 1 > 4096 && 2 * (i + 1) > this.#events.length) {
      this.#events.splice(0, i + 1);
      this.#offset = this.first;
    }
  }

  /** Returns the position of the first event kept whose key is at least value, or end. */
  search(key, value) {
    let [low, high] = [this.first, this.end];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.get(middle)[key] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function textLength(event) {
  return event.data.length + event.raw.length + event.type.length + event.id.length;
}
