// The text of a model, put together from the events.

import { byId, element, note, visible } from "./dom.js";
import { count, plural } from "./format.js";

// How much text is shown, and how much of it is in one element.
const maxText = 1 << 20,
  maxBlock = 16 << 10,
  maxBlocks = 2000,
  maxLabels = 5000; // for invisible characters

const titles = { reasoning: "Reasoning", tool: "Tool call", error: "Error" };

/** Shows the text, with reasoning, tool calls and errors set apart. */
export class TextPanel {
  #root = byId("text-panel");
  #blocks = []; // {node, size, labels, kind, body} of each element, in order
  #labels = 0; // number of labels that are shown
  #attempt = null; // that the last part belongs to
  #size = 0; // number of characters that are shown
  #dropped = 0; // and of those that were removed
  #follow = true;
  #wasHidden = true;

  constructor() {
    this.#root.addEventListener("scroll", () => (this.#follow = isAtEnd(this.#root)));
  }

  reset(run) {
    this.run = run;
    this.#blocks = [];
    this.#attempt = null;
    this.#size = this.#dropped = this.#labels = 0;
    this.#follow = true;
    const hint =
      "No event contained text of a language model. The formats of OpenAI, Anthropic and " +
      "Gemini are recognized.";
    this.#root.replaceChildren(element("p", { class: "empty", text: hint }));
  }

  render() {
    const parts = merge(this.run.takeParts());
    if (parts.length > 0) {
      this.#root.querySelector(":scope > .empty")?.remove();
      for (const part of parts) this.#add(part);
      this.#trim();
    }
    const { hidden } = this.#root;
    if (this.#follow && !hidden && (parts.length > 0 || this.#wasHidden)) {
      this.#root.scrollTop = this.#root.scrollHeight;
    }
    this.#wasHidden = hidden;
  }

  #add({ kind, text, paragraph, attempt }) {
    // A response begins its text from the start, so the text of an attempt begins with a heading.
    const isOther = this.#attempt !== null && attempt !== this.#attempt;
    if (isOther) this.#append(element("h3", { text: `Attempt ${count(attempt)}` }), "attempt");
    this.#attempt = attempt;
    let last = this.#blocks.at(-1);
    const isNew = last?.kind !== kind || paragraph || kind === "tool" || kind === "error";
    if (isNew || last.size > maxBlock) last = this.#addBlock(kind, isNew);
    const added = appendText(last.body, text, maxLabels - this.#labels);
    last.labels += added;
    this.#labels += added;
    last.size += text.length;
    this.#size += text.length;
  }

  #addBlock(kind, isNew) {
    const body = element("div", { class: "body" });
    const node = element("div", { class: "part", "data-kind": kind });
    if (isNew && titles[kind]) node.append(element("h3", { class: "minor", text: titles[kind] }));
    node.append(body);
    node.classList.toggle("continued", !isNew);
    return this.#append(node, kind, body);
  }

  #append(node, kind, body) {
    const block = { node, size: 0, labels: 0, kind, body };
    this.#root.append(node);
    this.#blocks.push(block);
    return block;
  }

  #trim() {
    let n = 0;
    while (
      this.#blocks.length - n > 1 &&
      (this.#size > maxText || this.#blocks.length - n > maxBlocks)
    ) {
      const { node, size, labels } = this.#blocks[n++];
      this.#size -= size;
      this.#labels -= labels;
      this.#dropped += size;
      node.remove();
    }
    this.#blocks.splice(0, n);
    const dropped = this.#dropped + this.run.droppedText;
    if (dropped === 0) return;
    let p = this.#root.querySelector(":scope > .note");
    if (!p) this.#root.prepend((p = note("info", "")));
    p.textContent = `Older text is not shown: ${plural(dropped, "character")}.`;
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

// Adds text to an element, with labels for at most limit invisible characters. Returns how many.
function appendText(body, text, limit) {
  const nodes = visible(text, { keep: "\n\t", limit: Math.min(limit, 200) });
  const labelled = nodes.filter(node => typeof node !== "string").length;
  // The text is added to the last node, so that there is not one node for each word.
  if (typeof nodes[0] === "string" && body.lastChild instanceof Text) {
    body.lastChild.appendData(nodes.shift());
  }
  body.append(...nodes);
  return labelled;
}

const isAtEnd = node => node.scrollTop + node.clientHeight >= node.scrollHeight - 4;
