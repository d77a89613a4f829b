// Messages about the page and the connection to sse inspect.

import { button, byId, element } from "./dom.js";

const shown = new Map(); // elements by key
const maxShown = 4;
const transientTime = 8000;

/**
 * Shows a message. It replaces the one with the same key. A message that is kept stays until the
 * user closes it; the others disappear by themselves.
 */
export function notify(key, text, { kind = "info", keep = false } = {}) {
  dismiss(key);
  while (shown.size >= maxShown) dismiss(shown.keys().next().value);
  const node = element(
    "div",
    { class: "notice", "data-kind": kind },
    element("p", { text }),
    button("×", () => dismiss(key), { class: "quiet", "aria-label": "Close this message" }),
  );
  shown.set(key, node);
  byId("notice").append(node);
  if (!keep) setTimeout(() => shown.get(key) === node && dismiss(key), transientTime);
}

export function dismiss(key) {
  shown.get(key)?.remove();
  shown.delete(key);
}
