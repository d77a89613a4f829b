// Recent requests, kept in the storage of the browser without secrets.

import { button, byId, element, visible } from "./dom.js";
import { truncate } from "./format.js";
import { withoutSecrets } from "./secrets.js";

const key = "sse-inspect.recent",
  currentKey = "sse-inspect.current";
const max = 12;

/** Shows the recent requests. fill is called with the one that the user chooses. */
export function startRecent(fill) {
  byId("clear-recent").addEventListener("click", () => {
    write(localStorage, key, []);
    show(fill);
  });
  byId("recent-panel").addEventListener("toggle", () => show(fill));
  show(fill);
}

/** Adds a request that was sent. */
export function remember(form) {
  const stored = withoutSecrets(form);
  const same = JSON.stringify(stored);
  const others = read(localStorage, key).filter(other => JSON.stringify(other) !== same);
  write(localStorage, key, [stored, ...others].slice(0, max));
  write(sessionStorage, currentKey, [stored]);
}

/** Returns the request that was sent before the page was loaded again, or undefined. */
export const lastOfTab = () => read(sessionStorage, currentKey)[0];

function show(fill) {
  const forms = read(localStorage, key);
  byId("recent").replaceChildren(...forms.map(form => itemOf(form, fill)));
  byId("recent-none").hidden = forms.length > 0;
  byId("clear-recent").hidden = forms.length === 0;
}

function itemOf(form, fill) {
  const names = form.headers.map(([name]) => name).join(", ");
  const choose = button("", () => fill(form), { class: "quiet" });
  choose.append(
    element("b", { text: form.method }),
    " ",
    ...visible(truncate(form.url, 300)),
    names ? element("span", { class: "soft" }, " ", ...visible(truncate(names, 100))) : "",
  );
  return element("li", {}, choose);
}

// The storage may be disabled, and another version may have written it.
function read(storage, name) {
  try {
    const forms = JSON.parse(storage.getItem(name) ?? "[]");
    return Array.isArray(forms) ? forms.filter(isForm) : [];
  } catch {
    return [];
  }
}

function write(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    // Without storage, there are no recent requests.
  }
}

const isForm = form =>
  typeof form?.url === "string" &&
  typeof form.method === "string" &&
  Array.isArray(form.headers) &&
  form.headers.every(isHeader);

const isHeader = header =>
  Array.isArray(header) &&
  typeof header[0] === "string" &&
  (header[1] === null || typeof header[1] === "string");
