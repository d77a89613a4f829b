// The panels about the whole stream, except the text of a model.

import { byId, definitions, element, note, setText, visible } from "./dom.js";
import { clock, count, plural, sentence } from "./format.js";

/** Shows the requests and responses of a run, one element for each attempt. */
export class HeadersPanel {
  #root = byId("headers-panel");
  #shown = new Map(); // what is shown of each attempt

  reset(run) {
    this.run = run;
    this.#shown.clear();
    this.#root.replaceChildren(element("p", { class: "empty", text: "No request has been sent." }));
  }

  render() {
    const { items, total } = this.run.attempts;
    if (items.length === 0) return;
    for (const attempt of items) this.#update(attempt);
    if (this.#shown.size > items.length) this.#removeAllBut(items);
    this.#root.querySelector(":scope > .empty")?.remove();
    if (total > items.length) this.#showDropped(total - items.length);
  }

  #removeAllBut(items) {
    for (const [attempt, { node }] of this.#shown) {
      if (items.includes(attempt)) continue;
      node.remove();
      this.#shown.delete(attempt);
    }
  }

  #showDropped(n) {
    let p = this.#root.querySelector(":scope > .note");
    if (!p) this.#root.prepend((p = note("info", "")));
    setText(p, `Older attempts are not kept here: ${count(n)}.`);
  }

  #update(attempt) {
    const shown = this.#shown.get(attempt);
    if (shown && shown.response === attempt.response) return;
    const node = attemptNode(attempt);
    node.open = shown ? shown.node.open : this.#shown.size === 0;
    if (shown) shown.node.replaceWith(node);
    else this.#root.append(node);
    this.#shown.set(attempt, { node, response: attempt.response });
  }
}

function attemptNode({ number, request, response }) {
  const outcome = element(
    "span",
    { class: "outcome", "data-kind": kindOf(response) },
    ...visible(response ? `${response.status} ${response.statusText}` : "no response"),
  );
  const time = (request ?? response).t;
  const node = element(
    "details",
    { class: "attempt" },
    element(
      "summary",
      {},
      element("b", { text: `Attempt ${count(number)}` }),
      " ",
      outcome,
      " ",
      element("span", { class: "soft", text: `at ${clock(time)} s` }),
    ),
  );
  if (request) {
    node.append(
      element("h3", { class: "minor", text: "Request" }),
      element(
        "p",
        { class: "line" },
        ...visible(`${request.method} ${request.url} ${request.proto ?? ""}`),
      ),
      headerList(request.headers),
    );
  }
  if (response) {
    node.append(
      element("h3", { class: "minor", text: "Response" }),
      element(
        "p",
        { class: "line" },
        ...visible(`${response.proto} ${response.status} ${response.statusText}`),
      ),
    );
    if (response.redirected) node.append(note("info", "The request was redirected."));
    node.append(headerList(response.headers));
    if (response.body) {
      node.append(
        element("h3", { class: "minor", text: "Start of the body" }),
        element("pre", { class: "data" }, ...visible(response.body, { keep: "\n\t" })),
      );
    }
  }
  return node;
}

function kindOf(response) {
  if (!response) return "none";
  if (response.status === 200) return "ok";
  return response.status < 400 ? "none" : "bad";
}

function headerList(headers) {
  if (!headers?.length) return element("p", { class: "empty", text: "There are no headers." });
  return definitions(
    headers.map(([name, value]) => [name, ...visible(value)]),
    "headers",
  );
}

const severities = [
  ["error", "Errors"],
  ["warning", "Warnings"],
  ["info", "Information"],
];

/** Anchors of the sections of the HTML standard. */
const anchors = {
  "9.2.1": "server-sent-events-intro",
  "9.2.2": "the-eventsource-interface",
  "9.2.3": "sse-processing-model",
  "9.2.4": "the-last-event-id-header",
  "9.2.5": "parsing-an-event-stream",
  "9.2.6": "event-stream-interpretation",
  "9.2.7": "authoring-notes",
};

/** Shows the findings of the checker, grouped by severity. */
export class FindingsPanel {
  #root = byId("findings-panel");
  #nodes = new Map(); // what is shown of each rule

  reset(run) {
    this.run = run;
    this.#nodes.clear();
    this.#root.replaceChildren(
      element("p", { class: "empty", text: "The checker has found nothing to report." }),
      ...severities.map(([severity, title]) =>
        element(
          "section",
          { "data-severity": severity, hidden: true },
          element("h3", { text: title }),
        ),
      ),
    );
  }

  render() {
    for (const [rule, finding] of this.run.findings) {
      const shown = this.#nodes.get(rule);
      if (shown?.finding === finding) continue;
      const node = findingNode(finding);
      if (shown?.finding.severity === finding.severity) shown.node.replaceWith(node);
      else {
        shown?.node.remove();
        const group =
          this.#root.querySelector(`[data-severity="${CSS.escape(finding.severity)}"]`) ??
          this.#root.lastElementChild;
        group.append(node);
        group.hidden = false;
      }
      this.#nodes.set(rule, { node, finding });
    }
    this.#root.querySelector(":scope > .empty").hidden = this.run.findings.size > 0;
  }
}

function findingNode({ rule, section, text, count: times, line, reason }) {
  const anchor = anchors[section];
  const where = `HTML Standard ${section}`;
  return element(
    "article",
    { class: "finding", "data-rule": rule },
    element("p", {}, ...visible(text)),
    reason ? element("p", { class: "soft" }, ...visible(reason)) : "",
    element(
      "p",
      { class: "facts soft" },
      element("code", { text: rule }),
      line ? element("span", { text: `line ${count(line)}` }) : "",
      times > 1 ? element("span", { text: plural(times, "time") }) : "",
      anchor
        ? element("a", {
            href: `https://html.spec.whatwg.org/multipage/server-sent-events.html#${anchor}`,
            target: "_blank",
            rel: "noopener noreferrer",
            text: where,
          })
        : element("span", { text: where }),
    ),
  );
}

/** Shows the lines that the standard ignores, and the comments. */
export class IgnoredPanel {
  #lines = lineList("No line was ignored.");
  #comments = lineList("There was no comment.");

  constructor() {
    byId("ignored-panel").replaceChildren(
      element("h3", { text: "Ignored lines" }),
      this.#lines.node,
      element("h3", { text: "Comments" }),
      this.#comments.node,
    );
  }

  reset(run) {
    this.run = run;
    this.#lines.reset();
    this.#comments.reset();
  }

  render() {
    const { ignoredLines, comments, stats } = this.run;
    this.#lines.render(ignoredLines, Math.max(stats?.ignored ?? 0, ignoredLines.total), "line");
    this.#comments.render(comments, Math.max(stats?.comments ?? 0, comments.total), "text");
  }
}

function lineList(none) {
  const summary = element("p", { class: "soft" });
  const list = element("ol", { class: "lines" });
  let shown = 0;
  return {
    node: element("div", {}, summary, list),
    reset() {
      shown = 0;
      list.replaceChildren();
    },
    render({ items, total: received, max }, total, key) {
      const added = Math.min(received - shown, items.length, max);
      shown = received;
      if (added > 0) {
        list.append(...items.slice(-added).map(item => lineNode(item.t, item[key])));
        while (list.childElementCount > max) list.firstChild.remove();
      }
      const kept = list.childElementCount;
      setText(
        summary,
        total === 0
          ? none
          : total > kept
            ? `${plural(total, "line")}. The newest ${count(kept)} that reached the page follow.`
            : sentence(plural(total, "line")),
      );
    },
  };
}

const lineNode = (t, text) =>
  element(
    "li",
    {},
    element("span", { class: "time soft", text: clock(t) }),
    " ",
    element("span", {}, ...visible(text, { limit: 100 })),
  );
