// Control characters of a text, seen instead of acting.

export interface Piece {
  text: string;
  /** Of a control character, what it is called. */
  name: string;
}

const names: Record<number, string> = {
  0x00: "NUL", 0x09: "TAB", 0x0d: "CR", 0x1b: "ESC", 0x061c: "ALM", 0x200e: "LRM", 0x200f: "RLM", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO",
  0x202e: "RLO", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
};

/** What acts on a terminal or turns text around; a line feed may stay. */
const acts = (code: number): boolean => (code < 0x20 && code !== 0x0a) || (code >= 0x7f && code <= 0x9f) || (names[code] !== undefined && code > 0x9f);

/** A text cut at its control characters. */
export function piecesOf(text: string): Piece[] {
  const found: Piece[] = [];
  let plain = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (!acts(code)) {
      plain += character;
      continue;
    }
    if (plain) found.push({ text: plain, name: "" });
    plain = "";
    found.push({ text: "", name: names[code] ?? `0x${code.toString(16).padStart(2, "0")}` });
  }
  if (plain) found.push({ text: plain, name: "" });
  return found;
}
