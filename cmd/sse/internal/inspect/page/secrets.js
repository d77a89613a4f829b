// Secrets in a request, which must be masked and must not be stored.

// The same words as in package secret, which compares them in a test.
const words = [
  "auth",
  "cookie",
  "token",
  "secret",
  "passw",
  "passphrase",
  "api-key",
  "apikey",
  "signature",
  "credential",
  "session",
  "csrf",
  "xsrf",
  "jwt",
  "dpop",
  "assertion",
];

/** Reports whether the value of a header or query parameter with this name is a secret. */
export function isSecretName(name) {
  name = name.trim().toLowerCase().replaceAll("_", "-");
  if (name === ":authority") return false;
  if (name.endsWith("key")) return !name.endsWith("idempotency-key");
  return /(^|-)(sig|sign|otp|pwd)$/.test(name) || words.some(word => name.includes(word));
}

/** Reports whether a value looks like a secret, whatever its name is. */
export function looksSecret(value) {
  return (
    /^(basic|bearer|digest|token|apikey)\s+\S/i.test(value) ||
    /\b(sk|pk|rk|ghp|gho|ghs|xox[a-z])[-_][A-Za-z0-9_-]{12,}/.test(value) ||
    /\beyJ[A-Za-z0-9_-]{8,}\./.test(value) ||
    /^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_=-]{24,}$/.test(value) ||
    /[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i.test(value)
  );
}

/**
 * Returns a URL without user information and fragment, and without the values of its query that are
 * secrets.
 */
export function urlWithoutSecrets(text) {
  let [url] = text.split("#", 1);
  url = url.replace(/^([a-z][a-z0-9+.-]*:\/\/|)[^/?#\s]*@/i, "$1");
  const start = url.indexOf("?");
  if (start < 0) return url;
  const parts = url
    .slice(start + 1)
    .split("&")
    .map(part => {
      const [name, value] = divide(part);
      if (value === undefined) return looksSecret(name) ? "" : part;
      return isSecretName(decode(name)) || looksSecret(decode(value)) ? `${name}=` : part;
    });
  return `${url.slice(0, start)}?${parts.join("&")}`;
}

/**
 * Returns a form without secrets, and without what could contain some: body and last event ID. The
 * value of a secret header is null.
 */
export function withoutSecrets(form) {
  return {
    ...form,
    url: urlWithoutSecrets(form.url),
    headers: form.headers.map(([name, value]) => [
      name,
      isSecretName(name) || looksSecret(value) ? null : value,
    ]),
    body: "",
    lastEventID: "",
  };
}

/** Returns a form with the secret headers of another form, if both are for the same origin. */
export function withSecretsOf(other, form) {
  if (originOf(form.url) !== originOf(other.url)) return form;
  const headers = form.headers.map(([name, value]) => [name, value ?? valueOf(other, name)]);
  return { ...form, headers };
}

const originOf = url => (URL.canParse(url) ? new URL(url).origin : null);

const valueOf = (form, name) =>
  form.headers.find(header => header[0].toLowerCase() === name.toLowerCase())?.[1] ?? null;

function divide(part) {
  const i = part.indexOf("=");
  return i < 0 ? [part] : [part.slice(0, i), part.slice(i + 1)];
}

function decode(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
