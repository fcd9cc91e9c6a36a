/** Keeps secrets out of everything that is printed: URLs lose their credentials and secret-looking parameters. */

const SECRET_PARAMETER = /key|token|secret|passw|auth|signature|sig$|credential/i;
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;

/** `url` without user, password and the values of secret-looking query parameters; text that is no URL comes back as it is. */
export function redactUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return url;
  }
  if (parsed.username === "" && parsed.password === "" && parsed.search === "") return url;
  parsed.username = "";
  parsed.password = "";
  const secrets = [...parsed.searchParams.keys()].filter((name) => SECRET_PARAMETER.test(name));
  for (const name of secrets) parsed.searchParams.set(name, "redacted");
  return parsed.href;
}

/** Redacts every URL inside a sentence. */
export function redactText(text: string): string {
  return text.includes("://") ? text.replace(URL_IN_TEXT, redactUrl) : text;
}
