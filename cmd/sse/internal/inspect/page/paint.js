// Paints the timeline.

import { duration } from "./format.js";
import { OTHER } from "./colors.js";
import { tickStep } from "./histogram.js";

/** Heights of the parts of the timeline: the marks, the band of states, and the axis. */
export const layout = { marks: 52, band: 58, bandHeight: 7, axis: 82, height: 88 };

export const columnWidth = 2;
const minGapWidth = 56; // of a gap that is labelled

/** Returns the colors that the style sheet defines for the present color scheme. */
export function readPalette(node) {
  const style = getComputedStyle(node);
  const color = name => style.getPropertyValue(`--${name}`).trim();
  return {
    types: Array.from({ length: OTHER + 1 }, (_, i) => color(`type-${i}`)),
    text: color("soft"),
    line: color("line"),
    strong: color("text"),
    cut: color("bad"),
    states: { open: color("ok"), waiting: color("warn"), connecting: color("accent") },
    font: `11px ${style.fontFamily}`,
  };
}

/**
 * Paints a view: {width, range, columns, colors, segments, gaps, now, selected, cursor}. The width
 * is in CSS pixels, and times are in milliseconds.
 */
export function paint(context, view, palette) {
  const x = t => (t / view.range) * view.width;
  context.clearRect(0, 0, view.width, layout.height);
  context.font = palette.font;
  paintAxis(context, view, palette, x);
  paintGaps(context, view, palette, x);
  paintSegments(context, view, palette, x);
  paintMarks(context, view, palette);
  if (view.now !== null) line(context, x(view.now), palette.text, [2, 3]);
  if (view.cursor !== null) pointTo(context, x(view.cursor), palette.states.connecting);
  if (view.selected !== null) pointTo(context, x(view.selected), palette.strong);
}

function pointTo(context, x, color) {
  context.fillStyle = color;
  context.fillRect(Math.round(x), 0, 1, layout.band + layout.bandHeight);
  context.beginPath();
  context.moveTo(x - 5, 0);
  context.lineTo(x + 6, 0);
  context.lineTo(x + 0.5, 7);
  context.fill();
}

function paintAxis(context, { range, width }, palette, x) {
  const step = tickStep(range, Math.max(Math.floor(width / 90), 1));
  context.fillStyle = palette.text;
  context.textBaseline = "alphabetic";
  for (let t = 0; t <= range; t += step) {
    const isLast = t + step > range && x(t) > width - 40;
    context.textAlign = t === 0 ? "left" : isLast ? "right" : "center";
    context.fillText(t === 0 ? "0" : tickLabel(t), x(t), layout.axis);
    context.fillStyle = palette.line;
    context.fillRect(Math.round(Math.min(x(t), width - 1)), 0, 1, layout.band + layout.bandHeight);
    context.fillStyle = palette.text;
  }
}

const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

function tickLabel(t) {
  const [size, unit] =
    units.find(([size]) => t >= size && t % (size / 2) === 0) ??
    (t < 1000 ? [1, "ms"] : units.find(([size]) => t >= size));
  return `${+(t / size).toFixed(2)} ${unit}`;
}

// Each column is a bar. Its height grows with the logarithm of the number of its events.
function paintMarks(context, { columns, colors }, palette) {
  for (let start = 0; start < columns.length; start += colors) {
    let total = 0;
    for (let color = 0; color < colors; color++) total += columns[start + color];
    if (total === 0) continue;
    const height = layout.marks * Math.min(0.45 + (0.55 * Math.log10(total)) / 3, 1);
    let y = layout.marks;
    for (let color = 0; color < colors; color++) {
      const part = (columns[start + color] / total) * height;
      if (part === 0) continue;
      context.fillStyle = palette.types[color];
      context.fillRect((start / colors) * columnWidth, y - part, columnWidth, part);
      y -= part;
    }
  }
}

function paintSegments(context, { segments, width }, palette, x) {
  let lastEnd = -2;
  for (const { state, from, to, isEnd } of segments) {
    const [left, right] = [x(from), Math.min(x(to), width)];
    if (palette.states[state]) {
      context.fillStyle = palette.states[state];
      const thin = state === "connecting" ? 2 : 0;
      context.fillRect(
        left,
        layout.band + thin,
        Math.max(right - left, 1),
        layout.bandHeight - 2 * thin,
      );
      if (state === "waiting") hatch(context, left, right);
    }
    if (isEnd && left - lastEnd >= 2) {
      line(context, left, palette.cut, [4, 2]);
      lastEnd = left;
    }
  }
}

// Stripes set the waits apart for those who cannot tell the colors apart.
function hatch(context, left, right) {
  const bottom = layout.band + layout.bandHeight;
  for (let at = left + 3; at < right - 1; at += 6) {
    context.clearRect(at, layout.band, 2, bottom - layout.band);
  }
}

function paintGaps(context, { gaps }, palette, x) {
  context.textAlign = "center";
  for (const { from, to } of gaps) {
    const [left, right] = [x(from) + 4, x(to) - 4];
    if (right - left < minGapWidth) continue;
    const text = duration(to - from);
    const y = layout.marks - 10;
    context.fillStyle = palette.text;
    context.fillText(text, (left + right) / 2, y - 5);
    context.fillRect(left, y, right - left, 1);
    for (const end of [left, right]) context.fillRect(end, y - 3, 1, 7);
  }
}

function line(context, x, color, dash) {
  context.strokeStyle = color;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, 0);
  context.lineTo(Math.round(x) + 0.5, layout.band + layout.bandHeight);
  context.stroke();
  context.setLineDash([]);
}
