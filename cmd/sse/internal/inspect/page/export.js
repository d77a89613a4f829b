// Copies the request as a command and saves the stream.

import * as api from "./api.js";
import { byId } from "./dom.js";
import { bytes, sentence } from "./format.js";
import { getForm, perform } from "./form.js";
import { notify } from "./notice.js";

export function startExport() {
  byId("copy-curl").addEventListener("click", () => perform(() => copy("curl")));
  byId("copy-sse").addEventListener("click", () => perform(() => copy("sse")));
  for (const format of ["ndjson", "raw", "recording"]) {
    byId(`save-${format}`).addEventListener("click", e => save(format, e.currentTarget));
  }
}

async function copy(kind) {
  const command = (await api.commands(getForm()))[kind];
  try {
    await navigator.clipboard.writeText(command);
    notify("copy", `The request was copied as a command for ${kind}, with its secrets.`);
  } catch {
    // The browser refuses the clipboard to a page that is not on the loopback interface.
    showCopyDialog(command);
  }
}

function showCopyDialog(command) {
  const [dialog, text] = [byId("copy-dialog"), byId("copy-text")];
  text.value = command;
  dialog.addEventListener("close", () => (text.value = ""), { once: true });
  dialog.showModal();
  text.select();
}

async function save(format, button) {
  button.disabled = true;
  try {
    const { blob, name, incomplete } = await api.save(format);
    download(blob, name);
    if (incomplete) {
      notify("save", `${name} was saved, but it is not complete: ${sentence(incomplete)}`, {
        kind: "warn",
        keep: true,
      });
    } else {
      notify("save", `${name} was saved (${bytes(blob.size)}).`);
    }
  } catch (error) {
    if (!(error instanceof api.RequestError)) throw error;
    notify("save", `The stream was not saved. ${sentence(error.message)}`, {
      kind: "bad",
      keep: true,
    });
  } finally {
    button.disabled = false;
  }
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
