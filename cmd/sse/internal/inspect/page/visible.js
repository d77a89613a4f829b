// Characters that are invisible, or that change how the text around them is shown.

// Names that are a label by themselves.
const names = new Map([
  ..."NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN"
    .concat(" EM SUB ESC FS GS RS US")
    .split(" ")
    .entries(),
  [0x7f, "DEL"],
  [0xfeff, "BOM"],
]);

// Names that follow the code point in a label, because they are less known.
const addedNames = new Map([
  [0x85, "NEL"],
  [0x9b, "CSI"],
  [0xad, "SHY"],
  [0x61c, "ALM"],
  [0x200b, "ZWSP"],
  [0x200e, "LRM"],
  [0x200f, "RLM"],
  [0x2028, "LS"],
  [0x2029, "PS"],
  [0x202a, "LRE"],
  [0x202b, "RLE"],
  [0x202c, "PDF"],
  [0x202d, "LRO"],
  [0x202e, "RLO"],
  [0x2060, "WJ"],
  [0x2066, "LRI"],
  [0x2067, "RLI"],
  [0x2068, "FSI"],
  [0x2069, "PDI"],
]);

// All control and format characters, separators of lines, surrogates without a partner and the
// replacement character, except the two joiners, which scripts and emoji need. A run of the same
// character is one match.
const pattern = /(?![\u200c\u200d])([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd])\1*/gu;

/** Returns the code point of the first character of text, such as "U+202E". */
function codePoint(text) {
  return "U+" + text.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

/** Returns the label of an invisible character, such as "NUL" or "U+202E RLO". */
export function label(character) {
  const code = character.codePointAt(0);
  const name = addedNames.get(code);
  return names.get(code) ?? codePoint(character) + (name ? " " + name : "");
}

/**
 * Divides text into segments: {text} to be shown as it is, and {text, label, code} for a run of an
 * invisible character. The characters in keep are shown as they are. After limit labels, the
 * others become text, so that the number of segments is bounded.
 */
export function segments(text, { keep = "", limit = 2000 } = {}) {
  const result = [];
  let plain = "",
    end = 0,
    labels = 0;
  for (const match of text.matchAll(pattern)) {
    const character = match[1];
    plain += text.slice(end, match.index);
    end = match.index + match[0].length;
    if (keep.includes(character)) {
      plain += match[0];
      continue;
    }
    const times = match[0].length / character.length;
    const shown = label(character) + (times > 1 ? ` ×${times}` : "");
    if (labels === limit) {
      plain += `⟨${shown}⟩`;
      continue;
    }
    if (plain) result.push({ text: plain });
    result.push({ text: match[0], label: shown, code: codePoint(character) });
    labels++;
    plain = "";
  }
  plain += text.slice(end);
  if (plain) result.push({ text: plain });
  return result;
}

/** Divides the bytes of a block into its lines: {text, ending}, where ending is LF, CR or CRLF. */
export function lines(text) {
  const result = [];
  let start = 0;
  for (const match of text.matchAll(/\r\n|\r|\n/g)) {
    result.push({ text: text.slice(start, match.index), ending: match[0] });
    start = match.index + match[0].length;
  }
  if (start < text.length) result.push({ text: text.slice(start), ending: "" });
  return result;
}
