// The number of events over time, in a bounded amount of memory.

/**
 * Counts events by time and color. The time is divided into bins of equal width. When an event is
 * later than the last bin, pairs of bins are merged, so the number of bins stays the same.
 */
export class Histogram {
  #bins = 8192; // even, and more than the pixels of a screen

  constructor(colors) {
    this.colors = colors;
    this.width = 1000 / this.#bins; // of a bin, in milliseconds
    this.counts = new Uint32Array(this.#bins * colors);
  }

  add(time, color) {
    time = Math.max(time, 0);
    while (time >= this.width * this.#bins) this.#merge();
    this.counts[Math.floor(time / this.width) * this.colors + color]++;
  }

  #merge() {
    const { counts, colors } = this;
    for (let bin = 0; bin < this.#bins; bin += 2) {
      for (let color = 0; color < colors; color++) {
        const i = bin * colors + color;
        counts[(bin / 2) * colors + color] = counts[i] + counts[i + colors];
      }
    }
    counts.fill(0, (this.#bins / 2) * colors);
    this.width *= 2;
  }

  /**
   * Divides the time from 0 to range into columns and returns the counts of each column by color,
   * those of column x from x * colors on.
   */
  columns(range, columns) {
    const { counts, colors } = this;
    const result = new Uint32Array(columns * colors);
    const used = Math.min(Math.ceil(range / this.width), this.#bins);
    for (let bin = 0; bin < used; bin++) {
      const column = Math.min(Math.floor(((bin * this.width) / range) * columns), columns - 1);
      for (let color = 0; color < colors; color++) {
        result[column * colors + color] += counts[bin * colors + color];
      }
    }
    return result;
  }
}

const second = 1000,
  minute = 60 * second,
  hour = 60 * minute,
  day = 24 * hour;
const ranges = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400,
].map(n => n * second);

/** Returns the range of an axis that shows the time from 0 to t. It is seldom changed, in steps. */
export function axisRange(t) {
  const range = ranges.find(r => r >= t);
  return range ?? Math.ceil(t / day) * day;
}

/** Returns the distance between the labels of an axis that has room for n of them. */
export function tickStep(range, n) {
  const steps = [
    50,
    100,
    200,
    500,
    ...[1, 2, 5, 10, 15, 30].map(s => s * second),
    ...[1, 2, 5, 10, 15, 30].map(m => m * minute),
    ...[1, 2, 3, 6, 12].map(h => h * hour),
  ];
  return steps.find(step => range / step <= n) ?? Math.ceil(range / n / day) * day;
}
