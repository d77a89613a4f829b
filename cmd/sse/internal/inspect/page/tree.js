// A JSON value as a tree that can be collapsed.

import { button, element, visible } from "./dom.js";
import { plural, truncate } from "./format.js";

const chunk = 100; // members that are shown at once
const maxString = 2000; // characters of a string that are shown at first
const openDepth = 3; // levels that are open at first
const openNodes = 200; // if there are not more nodes than this on them

/** A number that JavaScript cannot represent, in the digits of the source. */
class ExactNumber {
  constructor(source) {
    this.source = source;
  }
}

/** Parses an object or array. Returns undefined if text is not one. */
export function parseTree(text) {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text, (key, value, context) => {
      const exact =
        typeof value !== "number" || !context?.source || String(value) === context.source;
      return exact ? value : new ExactNumber(context.source);
    });
  } catch {
    return undefined; // also if it is nested too deeply for the parser
  }
}

/** Returns an element that shows a value from parseTree. */
export function tree(value) {
  const root = element("div", { class: "tree" });
  const budget = { nodes: openNodes };
  root.append(node(null, value, 0, budget));
  root.addEventListener("keydown", onkeydown);
  return root;
}

const isContainer = value =>
  typeof value === "object" && value !== null && !(value instanceof ExactNumber);

function node(key, value, depth, budget) {
  const name =
    key === null
      ? []
      : [
          element(
            "span",
            { class: typeof key === "number" ? "index" : "key" },
            ...(typeof key === "number" ? [String(key)] : visible(truncate(key, 200))),
          ),
          ": ",
        ];
  if (!isContainer(value)) return element("div", { class: "leaf" }, ...name, ...scalar(value));
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const isArray = Array.isArray(value);
  if (entries.length === 0)
    return element("div", { class: "leaf" }, ...name, isArray ? "[]" : "{}");

  const size = plural(entries.length, isArray ? "item" : "member");
  const details = element(
    "details",
    {},
    element(
      "summary",
      {},
      ...name,
      element("span", { class: "punctuation", text: isArray ? "[…] " : "{…} " }),
      element("span", { class: "soft", text: size }),
    ),
  );
  const children = element("div", { class: "children" });
  details.append(children);
  const fill = () => {
    if (!children.firstChild) addChunk(children, entries, 0, depth + 1, budget);
  };
  if (depth < openDepth && budget.nodes >= Math.min(entries.length, chunk)) {
    budget.nodes -= Math.min(entries.length, chunk);
    fill();
    details.open = true;
  }
  // The children are made only when they are shown.
  details.addEventListener("toggle", () => {
    if (details.open) fill();
  });
  return details;
}

function addChunk(parent, entries, start, depth, budget) {
  const end = Math.min(start + chunk, entries.length);
  for (const [key, value] of entries.slice(start, end))
    parent.append(node(key, value, depth, budget));
  if (end === entries.length) return;
  const more = button(
    `Show more (${plural(entries.length - end, "item")})`,
    () => {
      const last = more.previousSibling;
      more.remove();
      addChunk(parent, entries, end, depth, { nodes: 0 });
      last.nextSibling.querySelector("summary, button")?.focus();
    },
    { class: "more" },
  );
  parent.append(more);
}

function scalar(value) {
  if (value instanceof ExactNumber)
    return [element("span", { class: "number", text: value.source })];
  if (typeof value !== "string") {
    return [
      element("span", { class: value === null ? "null" : typeof value, text: String(value) }),
    ];
  }
  const string = element("span", { class: "string" });
  const show = text => string.replaceChildren(...visible(JSON.stringify(text)));
  show(truncate(value, maxString));
  if (value.length <= maxString) return [string];
  const more = button(
    `Show all ${plural(value.length, "character")}`,
    () => {
      show(value);
      more.remove();
    },
    { class: "more" },
  );
  return [string, " ", more];
}

// The arrow keys move between the objects and arrays, and open and close them.
function onkeydown(e) {
  const summary = e.target.closest("summary");
  if (!summary || e.ctrlKey || e.altKey || e.metaKey) return;
  const details = summary.parentElement;
  const move = step => {
    const all = [...e.currentTarget.querySelectorAll("summary")].filter(s => s.checkVisibility());
    all[all.indexOf(summary) + step]?.focus();
  };
  switch (e.key) {
    case "ArrowDown":
      move(1);
      break;
    case "ArrowUp":
      move(-1);
      break;
    case "ArrowRight":
      if (details.open) move(1);
      else details.open = true;
      break;
    case "ArrowLeft":
      if (details.open) details.open = false;
      else details.parentElement.closest("details")?.querySelector("summary").focus();
      break;
    default:
      return;
  }
  e.preventDefault();
}
