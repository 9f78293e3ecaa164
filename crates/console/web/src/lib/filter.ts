// The language of the filter bar: `field:value`, `field!=value`, `field>5`, bare words for the text.

export interface Term {
  /** Empty for a bare word. */
  field: string;
  op: ":" | "!=" | ">" | "<" | "~";
  value: string;
  start: number;
  end: number;
}

export interface Parsed {
  terms: Term[];
  /** The first thing that is wrong, and where. */
  error: { message: string; at: number } | null;
}

/** Reads a filter; `fields` are those there are, and the word each goes by on the server. */
export function parse(text: string, fields: readonly string[]): Parsed {
  const terms: Term[] = [];
  const words = /(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g;
  for (const found of text.matchAll(words)) {
    const start = found.index;
    const end = start + found[0].length;
    const parts = /^([A-Za-z_][\w.]*)(!=|>|<|~|:)(.*)$/s.exec(found[0]);
    if (!parts) {
      terms.push({ field: "", op: ":", value: unquoted(found[0]), start, end });
      continue;
    }
    const [, field = "", op = ":", value = ""] = parts;
    if (!fields.includes(field)) return { terms, error: { message: `There is no field ${field}. There are ${fields.join(", ")}.`, at: start } };
    if (value === "") return { terms, error: { message: `${field}${op} needs a value after it.`, at: end } };
    if (value.startsWith('"') && !/[^\\]"$/.test(value)) return { terms, error: { message: "The quote is not closed.", at: start + field.length + op.length } };
    terms.push({ field, op: op as Term["op"], value: unquoted(value), start, end });
  }
  return { terms, error: null };
}

const unquoted = (text: string): string => (/^".*"?$/s.test(text) ? text.replace(/^"|"$/g, "").replace(/\\(.)/g, "$1") : text);

/** As the server's patterns: `4477*`, `/regex/`, `1..9`, `!not this`; bare words are looked for in the text. */
export function pairs({ terms }: Parsed, names: Record<string, string> = {}): Record<string, string> {
  const made: Record<string, string> = {};
  for (const { field, op, value } of terms) {
    const name = names[field] ?? (field || "text");
    const pattern =
      op === "!=" ? `!${value}` : op === "~" ? `/${value}/` : op === ">" ? `${Number(value) + 1}..` : op === "<" ? `..${Number(value) - 1}` : field === "" ? `*${value}*` : value;
    made[name] = pattern;
  }
  return made;
}
