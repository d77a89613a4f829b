// The colors of event types.

/** The number of colors; types without one of their own share the color OTHER. */
const COLORS = 8;
export const OTHER = COLORS;

/** Gives each event type a color, which is a number from 0 to OTHER. */
export class TypeColors {
  #byType = new Map([["message", 0]]);
  #taken = new Set([0]);

  /**
   * Returns the color of a type. It depends on the name of the type, so that a type usually has
   * the same color in every run. If another type of this run has that color, the next free one
   * is taken.
   */
  of(type) {
    const known = this.#byType.get(type);
    if (known !== undefined) return known;
    if (this.#taken.size === COLORS) return OTHER;
    let color = 1 + (hash(type) % (COLORS - 1));
    while (this.#taken.has(color)) color = (color % (COLORS - 1)) + 1;
    this.#taken.add(color);
    this.#byType.set(type, color);
    return color;
  }

  /** Returns the types that have a color of their own, with it. */
  entries() {
    return this.#byType.entries();
  }
}

// The hash is FNV-1a of the first characters, because a type may be very long.
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < Math.min(text.length, 256); i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  return (h ^ (h >>> 16)) >>> 0;
}
