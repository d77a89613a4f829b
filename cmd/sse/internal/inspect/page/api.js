// The requests of the page.

/** An error whose field, if any, names the field of the form that it is about. */
export class RequestError extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new RequestError("sse inspect cannot be reached. It may have ended.");
  }
  if (response.ok) return response;
  const text = await response.text();
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // The body is plain text.
  }
  const message = body.error ?? (text.trim().slice(0, 500) || response.statusText);
  throw new RequestError(message, body.field);
}

const post = (path, body) => request(path, { method: "POST", body });

const postForm = (path, form) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(form),
  });

export const setup = async () => (await request("setup")).json();

/** Parses a curl or sse command. */
export const parse = async command => (await post("parse", command)).json();

/** Returns the commands that send the request of the form. */
export const commands = async form => (await postForm("commands", form)).json();

export const send = async form => (await postForm("send", form)).json();

export const stop = () => post("stop");

/** Returns the file with what was received, and the reason if it is not complete. */
export async function save(format) {
  const response = await request(`save?format=${format}`);
  const disposition = response.headers.get("Content-Disposition") ?? "";
  return {
    blob: await response.blob(),
    name: /filename="?([^";]+)/.exec(disposition)?.[1] ?? `stream.${format}`,
    incomplete: response.headers.get("Sse-Incomplete"),
  };
}
