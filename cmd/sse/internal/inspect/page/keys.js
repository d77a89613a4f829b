// The keyboard shortcuts of the page.

import { byId } from "./dom.js";

const fields = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const pressable = "button, a, summary, input, [role=tab]";

/** Makes the keys work. clear is called with the element that has the focus when Esc is pressed. */
export function startKeys({ togglePause, clear }) {
  byId("help").addEventListener("click", showHelp);
  for (const button of document.querySelectorAll("dialog .close")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  document.addEventListener("keydown", e => {
    if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || e.isComposing) return;
    if (document.querySelector("dialog[open]")) return; // Esc closes it
    if (e.key === "Escape") clear(e.target);
    else if (e.target.closest(fields)) return;
    else if (e.key === "/") byId("filter-text").focus();
    else if (e.key === "?") showHelp();
    else if (e.key === " " && !e.target.closest(pressable)) togglePause();
    else return;
    e.preventDefault();
  });
}

function showHelp() {
  byId("help-dialog").showModal();
}
