/**
 * Keeps secrets out of everything that is printed: URLs lose their credentials and all parameters but harmless ones,
 * texts the values that a name or a scheme gives away.
 *
 *   text ─▶ URLs with credentials ─▶ URLs ─▶ Bearer …, name=…, name: …, "name":"…", JSON Web Tokens ─▶ printed
 */

/** Parameters whose values are shown; any other may be a secret, whatever it is called. */
const HARMLESS =
  /^(system(_?id)?|lang(uage)?|locale|version|v|format|limit|offset|page|rows|start|from|to|since|city|region|country|feed|name|type|dataset|station|area|interval|step)$/i;
/** What a harmless parameter may say: words and numbers, no address and no assignment. */
const HARMLESS_VALUE = /^[\p{L}\p{N}\s_.,:+'-]*$/u;
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;
/** An address whose user or password has blanks in it; a port is no password, nor is what follows a colon and a blank. */
const SPACED_USERINFO =
  /(\b[a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#@"'<>:]*:(?!\d{1,5}(?:[/\s?#,;.]|$))(?!\s)[^@"'<>\n]{0,200}|[^\s/?#@"'<>:]+ [^@"'<>\n/]{0,200})@(?=[\w[])/gi;
/** The same without a scheme, or percent-encoded within another text. */
const BARE_USERINFO = /(?<![^\s"'(=])(?!\+?mailto:)[^\s:@/"'()]{1,64}:[^\s@"'/]{1,200}@(?=[\w-]+[.:\w-]*)/gi;
const ENCODED_USERINFO = /(%3A%2F%2F)(?:(?!%2F|%3F|%23)[^\s"'<>&/@])*(?:%40|@)/gi;

/** Names that announce a secret, as a whole or at the end of a longer one. */
const SECRET_NAME =
  "(?:token|api[-_ ]?key|access[-_ ]?key|subscription[-_ ]?key|private[-_ ]?key|auth[-_ ]?key|secret|password|passwd|passphrase|pass|pwd|credentials?|authorization|auth|cookie|signature|sig|jwt)";
const BLANK = String.raw`(?:\s|\\[nrt]|%20|\+)*`;
const QUOTE = String.raw`(?:\\*["'` + "`" + String.raw`]|%22|%27)`;
/** Up to the closing quote where there is one, else up to what ends a value. */
const ASSIGNED = new RegExp(
  String.raw`(?<![\p{L}\p{N}])([\w.-]{0,40}?${SECRET_NAME}${QUOTE}?${BLANK}(?:[:=]|%3D|%3A)${BLANK}(?:(?:bearer|basic|token|digest)(?:\s|%20|\+)+)?)(?:(${QUOTE})(?:(?!\2).)+?(?=\2)|(?!${QUOTE})(?:(?!%26|%2C|%3B|%22|%7D)[^\s,;&"'<>)}\]#\\])+)`,
  "giu",
);
const BEARER = /\b(bearer)((?:\s|\\[nrt]|%20|\+|:|=)+)(?!\[?redacted)[^\s,;"'<>)}\]\\]+/gi;
/** "Basic authentication" is a phrase; credentials in Base64 are not in small letters alone. */
const BASIC = /\b(basic|digest|negotiate)((?:\s|\\[nrt]|%20|\+)+)(?![a-z]+\b)[\w+/=.~%-]{4,}/gi;
const WEB_TOKEN = /\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?/g;
const REDACTED = "redacted";

/** A part of a path that names a secret: the next part is it. */
const SECRET_SEGMENT = new RegExp(String.raw`^[\w.-]{0,40}?(?:${SECRET_NAME}|key)$`, "i");
/** A part of a path that looks drawn by lot: a key in hex, a UUID, or letters of both sizes among digits. */
const RANDOM_SEGMENT =
  /^(?:[0-9a-f]{24,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[^/]*[a-z])(?=[^/]*[A-Z])(?=[^/]*\d[^/]*\d)[\w-]{24,})$/i;

/** `url` without user, password, fragment and the values of parameters that are not known to be harmless. */
export function redactUrl(url: string): string {
  const begin = url.indexOf("://") + 3;
  if (begin < 3) return url;
  const [address = "", query] =
    url
      .slice(begin)
      .split("#", 1)[0]
      ?.split(/\?(.*)/s, 2) ?? [];
  // All before the last @ may be a password, with slashes in it too.
  const shown = url.slice(0, begin) + redactPath(address.slice(address.lastIndexOf("@") + 1));
  if (query === undefined) return shown;
  const parameters = query.split(/[&;]/).map((pair) => {
    const name = pair.split("=", 1)[0] ?? "";
    if (!pair.includes("=")) return REDACTED;
    return HARMLESS.test(name) && isHarmless(pair.slice(name.length + 1)) ? pair : `${name}=${REDACTED}`;
  });
  return `${shown}?${parameters.join("&")}`;
}

/** Host and path without the parts that are, or follow, the name of a secret. */
function redactPath(address: string): string {
  const [host = "", ...segments] = address.split("/");
  if (segments.length === 0) return address;
  let named = false;
  const shown = segments.map((segment) => {
    const after = named;
    const [name = "", ...rest] = segment.split(/[=:;]/);
    named = !after && SECRET_SEGMENT.test(segment);
    if (rest.length > 0 && segment.split(/[=:;]/).some((part) => SECRET_SEGMENT.test(part)))
      return `${name}=${REDACTED}`;
    return segment !== "" && (after || RANDOM_SEGMENT.test(segment)) ? REDACTED : segment;
  });
  return [host, ...shown].join("/");
}

function isHarmless(value: string): boolean {
  try {
    const text = decodeURIComponent(value.replaceAll("+", " "));
    return HARMLESS_VALUE.test(text) && redactWords(text) === text;
  } catch {
    return false;
  }
}

/** Redacts every URL inside a text, and every other secret that can be told by its name or its form. */
export function redactText(text: string): string {
  const plain = text.includes("://")
    ? text.replace(SPACED_USERINFO, "$1").replace(URL_IN_TEXT, redactUrl)
    : text;
  return redactWords(plain);
}

function redactWords(text: string): string {
  return text
    .replace(ENCODED_USERINFO, "$1")
    .replace(WEB_TOKEN, REDACTED)
    .replace(ASSIGNED, (_, named: string, quote: string | undefined) => `${named}${quote ?? ""}${REDACTED}`)
    .replace(BEARER, `$1$2${REDACTED}`)
    .replace(BASIC, `$1$2${REDACTED}`)
    .replace(BARE_USERINFO, "");
}

/** Every text within a value redacted; what stands under the name of a secret is not shown at all. */
export function redactValue(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_FIELD.test(name) && (typeof item === "string" || typeof item === "number")
        ? REDACTED
        : redactValue(item),
    ]),
  );
}

const SECRET_FIELD = new RegExp(String.raw`^[\w.-]{0,40}?${SECRET_NAME}$`, "i");
