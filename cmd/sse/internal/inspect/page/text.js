// The text of a model, put together from the events.

import { byId, element, visible } from "./dom.js";
import { count } from "./format.js";

// How much text is shown, and how much of it is in one element.
const maxText = 1 << 20,
  maxBlock = 16 << 10,
  maxBlocks = 2000;

const labels = { reasoning: "Reasoning", tool: "Tool call", error: "Error" };

/** Shows the text, with reasoning, tool calls and errors set apart. */
export class TextPanel {
  #root = byId("text-panel");
  #last = null; // the block that continues
  #attempt = null; // that the last part belongs to
  #size = 0;
  #dropped = 0;

  constructor() {
    this.#root.addEventListener("scroll", () => (this.#follow = isAtEnd(this.#root)));
  }

  #follow = true;

  reset(run) {
    this.run = run;
    this.#last = this.#attempt = null;
    this.#size = this.#dropped = 0;
    this.#follow = true;
    const hint =
      "No event contained text of a language model. The formats of OpenAI, Anthropic and " +
      "Gemini are recognized.";
    this.#root.replaceChildren(element("p", { class: "empty", text: hint }));
  }

  render() {
    const parts = this.run.parts;
    if (parts.length > 0) {
      this.run.parts = [];
      this.#root.querySelector(":scope > .empty")?.remove();
      for (const part of merge(parts)) this.#add(part);
      this.#trim();
    }
    if (this.#follow && !this.#root.hidden) this.#root.scrollTop = this.#root.scrollHeight;
  }

  // A response begins its text from the start, so the text of an attempt begins with a heading.
  #add({ kind, text, paragraph, attempt }) {
    if (this.#attempt !== null && attempt !== this.#attempt) {
      this.#root.append(element("h3", { class: "part", text: `Attempt ${count(attempt)}` }));
      this.#last = null;
    }
    this.#attempt = attempt;
    const isNew =
      !this.#last || this.#last.kind !== kind || paragraph || kind === "tool" || kind === "error";
    if (isNew || this.#last.size > maxBlock) {
      const body = element("div", { class: "body" });
      const node = element(
        "div",
        { class: "part", "data-kind": kind },
        ...(isNew && labels[kind] ? [element("h4", { text: labels[kind] })] : []),
        body,
      );
      node.classList.toggle("continued", !isNew);
      this.#root.append(node);
      this.#last = { kind, body, size: 0 };
    }
    append(this.#last.body, text);
    this.#last.size += text.length;
    this.#size += text.length;
  }

  #trim() {
    const blocks = this.#root.getElementsByClassName("part");
    while (blocks.length > 1 && (this.#size > maxText || blocks.length > maxBlocks)) {
      const length = blocks[0].querySelector(".body")?.textContent.length ?? 0;
      this.#size -= length;
      this.#dropped += length;
      blocks[0].remove();
    }
    if (this.#dropped === 0) return;
    const p =
      this.#root.querySelector(":scope > .note") ??
      element("p", { class: "note", "data-kind": "info" });
    p.textContent = `The first ${count(this.#dropped)} characters are not shown.`;
    if (!p.parentElement) this.#root.prepend(p);
  }
}

// Joins the parts that continue each other, because a model may send each word in an event.
function merge(parts) {
  const result = [];
  for (const part of parts) {
    const last = result.at(-1);
    const continues =
      last &&
      last.kind === part.kind &&
      !part.paragraph &&
      last.attempt === part.attempt &&
      (part.kind === "text" || part.kind === "reasoning") &&
      last.text.length < maxBlock;
    if (continues) last.text += part.text;
    else result.push({ ...part });
  }
  return result;
}

function append(body, text) {
  const [first, ...rest] = visible(text, { keep: "\n\t", limit: 200 });
  // The text is added to the last node, so that there is not one node for each word.
  if (typeof first === "string" && body.lastChild instanceof Text) body.lastChild.appendData(first);
  else if (first !== undefined) body.append(first);
  body.append(...rest);
}

const isAtEnd = node => node.scrollTop + node.clientHeight >= node.scrollHeight - 4;
