/** Keeps secrets out of everything that is printed: URLs lose their credentials and all parameters but harmless ones. */

/** Parameters whose values are shown; any other may be a secret, whatever it is called. */
const HARMLESS =
  /^(system(_?id)?|lang(uage)?|locale|version|v|format|limit|offset|page|rows|start|from|to|since|city|region|country|feed|name|type|dataset|station|area|interval|step)$/i;
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;

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
  const shown = url.slice(0, begin) + address.slice(address.lastIndexOf("@") + 1);
  if (query === undefined) return shown;
  const parameters = query.split(/[&;]/).map((pair) => {
    const name = pair.split("=", 1)[0] ?? "";
    if (!pair.includes("=")) return "redacted";
    return HARMLESS.test(name) && !pair.includes("@") ? pair : `${name}=redacted`;
  });
  return `${shown}?${parameters.join("&")}`;
}

/** Redacts every URL inside a sentence. */
export function redactText(text: string): string {
  return text.includes("://") ? text.replace(URL_IN_TEXT, redactUrl) : text;
}
