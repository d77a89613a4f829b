// The details of the selected event.

import { byId, button, definitions, element, note, visible } from "./dom.js";
import { bytes, clock, count, duration, plural, truncate } from "./format.js";
import { parseTree, tree } from "./tree.js";
import { label, lines } from "./visible.js";

const chunk = 1000; // lines of the raw block that are shown at once

/** Shows an event, or none if it is null, in the panels of its data and its raw lines. */
export function showEvent(event) {
  const [data, raw] = [byId("data-panel"), byId("raw-panel")];
  if (!event) {
    const hint = "Select an event of the list or of the timeline to see its data and its lines.";
    for (const panel of [data, raw])
      panel.replaceChildren(element("p", { class: "empty", text: hint }));
    return;
  }
  data.replaceChildren(summary(event), ...dataOf(event));
  raw.replaceChildren(summary(event), ...rawOf(event));
  data.scrollTop = raw.scrollTop = 0;
}

function summary(event) {
  const items = [
    ["Event", count(event.n)],
    ["Type", element("span", { class: "swatch", "data-color": event.color }), ...short(event.type)],
    ["ID", ...(event.id ? short(event.id) : ["none"])],
    ["Time", `${clock(event.t)} s`],
  ];
  if (event.gap != null) items.push(["Gap", duration(event.gap)]);
  items.push(["Size", bytes(event.size)], ["Attempt", count(event.attempt)]);
  return definitions(items, "summary");
}

const short = text => visible(truncate(text, 300), { limit: 50 });

function dataOf(event) {
  const notes = [];
  if (event.error) notes.push(note("bad", "The data of this event reports an error."));
  if (event.cut) {
    notes.push(
      note(
        "warn",
        `Only the first ${bytes(byteLength(event.data))} of ` +
          `${bytes(event.size)} are shown. To get all of it, save the stream.`,
      ),
    );
  }
  const value = event.cut ? undefined : parseTree(event.data);
  if (value !== undefined) return [...notes, tree(value)];
  if (event.data === "")
    return [...notes, element("p", { class: "empty", text: "The data is empty." })];
  return [...notes, element("pre", { class: "data" }, ...visible(event.data, { keep: "\n\t" }))];
}

function rawOf(event) {
  const all = lines(event.raw);
  const list = element("ol", { class: "raw" });
  addLines(list, all, 0);
  const notes = [];
  if (event.rawCut) {
    notes.push(
      note(
        "warn",
        `Only the first ${bytes(byteLength(event.raw))} of the block are shown. ` +
          "To get all of it, save the stream.",
      ),
    );
  }
  return [...notes, list];
}

function addLines(list, all, start) {
  const end = Math.min(start + chunk, all.length);
  list.append(...all.slice(start, end).map(rawLine));
  if (end === all.length) return;
  const more = button(
    `Show more (${plural(all.length - end, "line")})`,
    () => {
      item.remove();
      addLines(list, all, end);
    },
    { class: "more" },
  );
  const item = element("li", { class: "rest" }, more);
  list.append(item);
}

/** Returns a line of a block with its invisible characters and its line ending as labels. */
function rawLine({ text, ending }) {
  const item = element("li");
  const field = /^\uFEFF?(data|event|id|retry)(?=:|$)/.exec(text)?.[0] ?? "";
  const spaces = / *$/.exec(text)[0].length;
  const value = text.slice(field.length, text.length - spaces);
  if (field) item.append(element("span", { class: "field" }, ...visible(field)));
  const isComment = !field && /^\uFEFF?:/.test(text);
  item.append(
    isComment
      ? element("span", { class: "comment" }, ...visible(value, { limit: 200 }))
      : element("span", {}, ...visible(value, { limit: 200 })),
  );
  if (spaces)
    item.append(token(spaces === 1 ? "SP" : `SP ×${spaces}`, "spaces at the end of the line"));
  for (const character of ending) item.append(token(label(character), "line ending"));
  return item;
}

const token = (text, title) => element("span", { class: "token soft", title, text });

const byteLength = text => new TextEncoder().encode(text).length;
