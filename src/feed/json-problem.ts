/** Why a text is no JSON, as half a sentence for people. */

export interface TextSeen {
  /** Its first and last characters, trimmed. */
  readonly start: string;
  readonly end: string;
  /** It holds `NaN`, `Infinity` or the like where a number should be. */
  readonly numbers: boolean;
}

/** @param error what JSON.parse threw */
export function notJsonBecause(error: unknown, { start, end, numbers }: TextSeen): string {
  if (start === "") return "nothing at all";
  if (start.startsWith("<")) return "a web page";
  if (numbers) return "it holds NaN or Infinity where a number should be, which JSON does not have";
  const whole = /[}\]]$/.test(end) && /^[{[]/.test(start);
  if (/Unexpected end|Unterminated|ends inside/.test((error as Error).message) || !whole)
    return "cut short, or damaged";
  const at = /position (\d+)/.exec((error as Error).message)?.[1];
  return at === undefined ? "damaged" : `damaged near character ${at}`;
}
