// The form of the request.

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { sentence } from "./format.js";
import { addHeader, getHeaders, missingHeader, setHeaders } from "./headers.js";
import { notify } from "./notice.js";
import { remember } from "./recent.js";

const form = byId("request");
const errorText = byId("form-error");

/** The ids of the fields, by their names in the form that is sent. */
const fields = {
  url: "url",
  method: "method",
  headers: "headers",
  body: "body",
  lastEventID: "last-event-id",
  idleTimeout: "idle-timeout",
  reconnect: "reconnect",
  command: "paste",
};

/** Makes the form work. */
export function startForm() {
  form.addEventListener("submit", e => {
    e.preventDefault();
    perform(sendForm);
  });
  form.addEventListener("keydown", e => {
    const isSend = e.key === "Enter" && (e.ctrlKey || e.metaKey);
    if (!isSend || e.defaultPrevented) return;
    e.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("input", clearError);
  byId("stop").addEventListener("click", () => perform(api.stop));
  byId("add-header").addEventListener("click", () => addHeader().querySelector(".name").focus());
  acceptCommands(byId("url"));
  acceptCommands(byId("paste"));
}

/** Calls an asynchronous function and shows its error at the field that the error is about. */
export async function perform(action, { focus = true } = {}) {
  clearError();
  try {
    await action();
  } catch (error) {
    if (!(error instanceof api.RequestError)) throw error;
    const field = showError(error);
    if (focus) field?.focus();
  }
}

/** Returns the form as it is sent. It must have the secrets that were not stored. */
export function getForm() {
  const name = missingHeader();
  if (name) {
    const text = `Enter the value of ${name} again, or remove it. It was not stored.`;
    throw new api.RequestError(text, "headers");
  }
  return {
    url: byId("url").value.trim(),
    method: byId("method").value,
    headers: getHeaders(),
    body: byId("body").value,
    lastEventID: byId("last-event-id").value,
    reconnect: byId("reconnect").checked,
    idleTimeout: byId("idle-timeout").value.trim(),
  };
}

/** Fills the form. */
export function setForm({ url, method, headers, body, lastEventID, reconnect, idleTimeout }) {
  clearError();
  byId("url").value = url ?? "";
  setMethod(method || "GET");
  setHeaders(headers ?? []);
  byId("body").value = body ?? "";
  byId("last-event-id").value = lastEventID ?? "";
  byId("reconnect").checked = reconnect ?? true;
  byId("idle-timeout").value = idleTimeout ?? "";
}

function setMethod(method) {
  const select = byId("method");
  if (![...select.options].some(option => option.value === method)) {
    select.append(element("option", { text: method }));
  }
  select.value = method;
}

async function sendForm() {
  const values = getForm();
  await api.send(values);
  remember(values);
}

// Fills the form from a curl or sse command that is pasted, dropped or typed into a field.
function acceptCommands(field) {
  const isPasteBox = field.id === "paste";
  let last = ""; // the last text, which is not parsed again when the field is left
  const accept = text => {
    if (!text.trim() || text === last || (!isPasteBox && !isCommand(text))) return;
    last = text;
    perform(() => parse(field, text), { focus: false });
  };
  field.addEventListener("paste", e => {
    const text = e.clipboardData?.getData("text/plain") ?? "";
    if (!isCommand(text)) return;
    e.preventDefault(); // a field of one line would remove the line breaks
    accept(text);
  });
  field.addEventListener("input", e => {
    // A command that is typed is not complete until the field is left.
    const isTyped =
      e.inputType?.startsWith("delete") ||
      e.inputType === "insertLineBreak" ||
      (e.inputType === "insertText" && (e.data?.length ?? 0) <= 1);
    if (!isTyped && isCommand(field.value)) accept(field.value);
  });
  field.addEventListener("change", () => accept(field.value));
  field.addEventListener("keydown", e => {
    if (!isPasteBox || e.key !== "Enter" || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    accept(field.value);
  });
}

const isCommand = text => /^\s*[$#>]?\s*(curl|sse)(\.exe)?\s/.test(text);

async function parse(field, command) {
  let parsed;
  try {
    parsed = await api.parse(command);
  } catch (error) {
    error.field ??= field.id === "paste" ? "command" : "url";
    if (field.id === "paste" && field.value === "") field.value = command;
    throw error;
  }
  byId("paste").value = "";
  setForm(parsed.request);
  const notes = (parsed.notes ?? []).map(sentence);
  notify("parse", ["The form was filled from the command.", ...notes].join(" "), {
    kind: notes.length > 0 ? "warn" : "info",
    keep: notes.length > 0,
  });
}

// Shows an error and returns the element that it is about, if any.
function showError({ message, field }) {
  const node = byId(fields[field] ?? "url");
  const details = node.closest("details");
  if (details) details.open = true;
  // The text is moved to its field, and the field refers to it.
  (node.closest(".field") ?? form).append(errorText);
  errorText.textContent = sentence(message);
  errorText.hidden = false;
  if (!field) return null;
  const target =
    node.id !== "headers"
      ? node
      : (node.querySelector(".missing .value:placeholder-shown") ?? node.querySelector("input"));
  target.setAttribute("aria-invalid", "true");
  target.setAttribute("aria-describedby", errorText.id);
  return target;
}

function clearError() {
  errorText.hidden = true;
  errorText.textContent = "";
  for (const node of form.querySelectorAll("[aria-invalid]")) {
    node.removeAttribute("aria-invalid");
    node.removeAttribute("aria-describedby");
  }
}
