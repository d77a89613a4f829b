// The rows of headers in the form.

import { button, byId, element } from "./dom.js";
import { isSecretName, looksSecret } from "./secrets.js";

const root = byId("headers");

/** Adds a row and returns it. If the value is null, it is a secret that was not stored. */
export function addHeader(name = "", value = "") {
  const nameInput = element("input", {
    class: "name",
    "aria-label": "Header name",
    placeholder: "Name",
    list: "header-names",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "off",
  });
  const valueInput = element("input", {
    class: "value",
    "aria-label": "Header value",
    placeholder: "Value",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "off",
  });
  nameInput.value = name;
  valueInput.value = value ?? "";
  const reveal = button("Show", () => toggle(row), {
    class: "reveal quiet",
    "aria-pressed": "false",
  });
  const remove = button("×", () => removeHeader(row), {
    class: "remove quiet",
    "aria-label": "Remove this header",
    title: "Remove this header",
  });
  const row = element("div", { class: "header" }, nameInput, valueInput, reveal, remove);
  if (value === null) {
    row.classList.add("missing");
    valueInput.placeholder = "Enter the value again";
  }
  row.addEventListener("input", () => update(row, true));
  row.addEventListener("focusout", () => update(row, false));
  root.append(row);
  update(row, false);
  return row;
}

/** Replaces all rows. There is always at least one. */
export function setHeaders(headers) {
  root.replaceChildren();
  for (const [name, value] of headers) addHeader(name, value);
  if (headers.length === 0) addHeader();
}

/** Returns the headers of the rows that are not empty. */
export function getHeaders() {
  return [...root.querySelectorAll(".header")]
    .map(row => [fieldOf(row, "name").value.trim(), fieldOf(row, "value").value])
    .filter(([name, value]) => name || value);
}

/** Returns the name of a header whose value was not stored and has not been entered, if any. */
export function missingHeader() {
  const row = [...root.querySelectorAll(".missing")].find(row => !fieldOf(row, "value").value);
  return row && fieldOf(row, "name").value;
}

function removeHeader(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next ?? addHeader()).querySelector(".name").focus();
}

const fieldOf = (row, name) => row.querySelector(`.${name}`);

function toggle(row) {
  const reveal = fieldOf(row, "reveal");
  reveal.ariaPressed = String(reveal.ariaPressed !== "true");
  update(row, false);
}

// Masks a secret value after it was entered. While it is entered for the first time, it is visible.
function update(row, isEntering) {
  const [name, value, reveal] = ["name", "value", "reveal"].map(n => fieldOf(row, n));
  const isSecret = isSecretName(name.value) || looksSecret(value.value);
  const isRevealed = reveal.ariaPressed === "true";
  const mask =
    isSecret && !isRevealed && value.value !== "" && !(isEntering && value.type === "text");
  value.type = mask ? "password" : "text";
  reveal.classList.toggle("unused", !isSecret || value.value === "");
  reveal.disabled = !isSecret || value.value === "";
  reveal.textContent = isRevealed ? "Hide" : "Show";
  reveal.setAttribute("aria-label", `${isRevealed ? "Hide" : "Show"} the value of ${name.value}`);
}
