// Elements. Text of the stream becomes text nodes only, never HTML.

import { segments } from "./visible.js";

export const byId = id => document.getElementById(id);

/** Returns a new element with these attributes, or a class or text, and children. */
export function element(tag, { class: className, text, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Returns a button that does not submit a form. */
export function button(text, onclick, attributes) {
  const node = element("button", { type: "button", text, ...attributes });
  node.addEventListener("click", onclick);
  return node;
}

/** Returns a paragraph that stands out. Its kind is "info", "warn" or "bad". */
export const note = (kind, text) => element("p", { class: "note", "data-kind": kind, text });

/** Sets the text of an element, unless it has that text, so that nothing is laid out in vain. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Returns nodes that show text with its invisible characters as labels. */
export function visible(text, options) {
  return segments(text, options).map(({ text, label, code }) =>
    label ? element("span", { class: "token", title: code, text: label }) : text,
  );
}

/** Returns a definition list. The items are pairs of a term and a text or nodes. */
export function definitions(items, className) {
  const list = element("dl", { class: className });
  for (const [term, ...description] of items) {
    list.append(
      element("div", {}, element("dt", { text: term }), element("dd", {}, ...description)),
    );
  }
  return list;
}

/** Reports whether the user prefers that nothing moves by itself. */
export const prefersReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
