/**
 * The text of a file whose encoding nobody told: as spreadsheets and map programs save them. What cannot be known for
 * sure is no text: a name must never come out as another.
 *
 *   byte order mark ─▶ UTF-8, UTF-16      NULs at every other byte ─▶ UTF-16      UTF-8? ─▶ UTF-8
 *   else Windows-1252 (with Latin-1 in it), if it reads like text ─▶ else null
 */

export interface DecodedText {
  readonly text: string;
  /** For people. */
  readonly encoding: "UTF-8" | "UTF-16" | "Windows-1252";
}

export function decodeText(bytes: Uint8Array): DecodedText | null {
  const utf16 = utf16Label(bytes);
  if (utf16 !== null) return decoded(bytes, utf16, "UTF-16");
  return decoded(bytes, "utf-8", "UTF-8") ?? windows1252(bytes);
}

/** How many bytes are looked at for NULs. */
const SAMPLE_BYTES = 4096;

function utf16Label(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const pairs = Math.floor(Math.min(bytes.length, SAMPLE_BYTES) / 2);
  let [first, second] = [0, 0];
  for (let pair = 0; pair < pairs; pair += 1) {
    if (bytes[2 * pair] === 0) first += 1;
    if (bytes[2 * pair + 1] === 0) second += 1;
  }
  // Numbers, separators and brackets are most of such a file, and their other byte is NUL.
  if (pairs > 0 && second > pairs / 2 && first === 0) return "utf-16le";
  return pairs > 0 && first > pairs / 2 && second === 0 ? "utf-16be" : null;
}

function decoded(bytes: Uint8Array, label: string, encoding: DecodedText["encoding"]): DecodedText | null {
  try {
    const text = new TextDecoder(label, { fatal: true }).decode(bytes);
    return text.includes("\u0000") ? null : { text, encoding };
  } catch {
    return null;
  }
}

/** Bytes without a meaning in Windows-1252 become these. */
const CONTROLS = /[^\P{Cc}\t\n\v\f\r]/u;
/** What stands between two letters in no language: letters of another encoding (DOS, MacRoman, Latin-2) look so. */
const AMONG_LETTERS =
  /\p{L}[‚ƒ„…†‡ˆ‰‹“”•˜™›€¡¢£¤¥¦§¨©«¬®¯°±²³´µ¶¸¹º»¼½¾¿×÷ª]\p{L}|\p{Ll}[ŠŒŽŸÐÞ]|(?<!\p{L})[‚ƒˆ‰˜™]\p{L}|\p{L}[‚ƒˆ‰˜](?!\p{L})/u;

function windows1252(bytes: Uint8Array): DecodedText | null {
  const read = decoded(bytes, "windows-1252", "Windows-1252");
  return read === null || CONTROLS.test(read.text) || AMONG_LETTERS.test(read.text) ? null : read;
}
