// Numbers, sizes and times as text.

const grouped = new Intl.NumberFormat("en");

/** Returns n with thousands separators, such as "12,345". */
export const count = n => grouped.format(n);

/** Returns a count and its noun, such as "1 event" or "12 events". */
export const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

/** Returns a number of bytes, such as "48 bytes" or "8.0 MiB". */
export function bytes(n) {
  if (n < 1024) return plural(n, "byte");
  let unit = 0;
  for (n /= 1024; n >= 1023.95; n /= 1024) unit++;
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${["KiB", "MiB", "GiB", "TiB", "PiB"][unit]}`;
}

/** Returns a duration in milliseconds, such as "0.4 ms", "12 ms", "1.23 s" or "2 min 05 s". */
export function duration(ms) {
  if (ms < 0.05) return "0 ms";
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  const two = n => String(n).padStart(2, "0");
  return hours ? `${hours} h ${two(minutes % 60)} min` : `${minutes} min ${two(seconds % 60)} s`;
}

/** Returns a time since the start of the run, such as "3.217" or "1:02:03.217". */
export function clock(ms) {
  const total = Math.round(Math.max(ms, 0));
  const [hours, minutes] = [Math.floor(total / 3_600_000), Math.floor(total / 60_000) % 60];
  const seconds = ((total % 60_000) / 1000).toFixed(3);
  if (hours) return `${hours}:${String(minutes).padStart(2, "0")}:${seconds.padStart(6, "0")}`;
  return minutes ? `${minutes}:${seconds.padStart(6, "0")}` : seconds;
}

/** Returns text with a full stop at its end, unless it is empty or is already a sentence. */
export function endSentence(text) {
  text = text.trim();
  return text === "" || /[.!?…]["')]*$/.test(text) ? text : text + ".";
}

/** Returns text as a sentence: with a capital letter at its start and a full stop at its end. */
export function sentence(text) {
  text = endSentence(text ?? "");
  // A word such as http2 stays as it is.
  return /^[a-z]+(?=[\s,:;.])/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
}

/** Returns the first n characters of text, without half a surrogate pair, and "…" if it is cut. */
export function truncate(text, n) {
  if (text.length <= n) return text;
  const code = text.charCodeAt(n - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? n - 1 : n) + "…";
}
