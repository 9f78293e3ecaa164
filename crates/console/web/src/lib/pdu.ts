// A PDU taken apart, as the server gives it everywhere, and what the inspector makes of it.

export type OctetClass = "head" | "addr" | "ctl" | "time" | "text" | "tlv";

export interface Node {
  name: string;
  kind: "header" | "field" | "list" | "item" | "tlv" | "part";
  start: number;
  end: number;
  value: string | number | null;
  meaning: string | null;
  class: OctetClass;
  help: string | null;
  children: Node[];
}

export interface ShownText {
  text: string;
  encoding: string;
  septets_or_units: number;
  octets?: number;
  udh_octets?: number;
  fidelity?: string;
}

export interface Defect {
  field: string | null;
  offset: number | null;
  message: string;
  duty: string;
  status: string | null;
}

export interface Finding {
  field: string | null;
  offset: number | null;
  message: string;
  clause: string | null;
}

/** The JSON that encodes to a PDU. */
export type Form = Record<string, unknown>;

export interface Shown {
  command: string | null;
  command_id: number | null;
  sequence_number: number | null;
  command_status: string | null;
  version: string;
  summary: string;
  /** Lower-case digits. */
  hex: string;
  text: ShownText | null;
  nodes: Node[];
  defect: Defect | null;
  findings: Finding[];
  answer: { hex: string; summary: string } | null;
  pdu: Form | null;
}

export interface Fault {
  bad: boolean;
  message: string;
  clause: string | null;
}

/** A line of the tree. */
export interface Row {
  /** Its place by names, such as `short_message` or `dest_address/2/dest_addr_ton`: what a URL says after `f=`. */
  key: string;
  parent: string | null;
  depth: number;
  node: Node;
  /** The value as it is shown: text in quotes, octets in pairs. */
  value: string;
  /** The value as it is copied. */
  plain: string;
  faults: Fault[];
}

const HEX_DIGITS: Record<string, number> = { command_id: 8, command_status: 8, esm_class: 2, registered_delivery: 2, data_coding: 2, tag: 4, interface_version: 2, sc_interface_version: 2 };

export const pairs = (hex: string): string => hex.replace(/..(?=.)/g, "$& ");

export const octetsOf = (shown: Pick<Shown, "hex">, node: { start: number; end: number }): string => shown.hex.slice(node.start * 2, node.end * 2);

/** The whole tree, depth first, in the order of the wire. */
export function rows(shown: Shown): Row[] {
  const all: Row[] = [];
  const walk = (nodes: readonly Node[], parent: string | null, depth: number): void => {
    const seen = new Map<string, number>();
    nodes.forEach((node, at) => {
      const name = node.name || String(at + 1);
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const key = `${parent === null ? "" : `${parent}/`}${name}${count > 1 ? `~${count}` : ""}`;
      all.push({ key, parent, depth, node, ...written(shown, node, depth), faults: [] });
      walk(node.children, key, depth + 1);
    });
  };
  walk(shown.nodes, null, 0);
  blame(shown, all);
  return all;
}

function written(shown: Shown, node: Node, depth: number): { value: string; plain: string } {
  // Of message_payload, its value is the text.
  const carries = node.kind === "tlv" ? node.children.some((child) => child.class === "text") : node.class === "text";
  const isText = carries && depth === 0 && shown.text !== null && shown.text.fidelity !== "hexadecimal" && node.end > node.start;
  if (isText && shown.text) return { value: `"${shown.text.text}"`, plain: shown.text.text };
  const value = node.value ?? (node.kind === "tlv" ? (node.children.find((child) => child.name === "value")?.value ?? null) : null);
  if (value === null) return { value: "", plain: octetsOf(shown, node) };
  if (typeof value === "number") {
    const digits = HEX_DIGITS[node.name];
    return { value: digits ? `0x${value.toString(16).padStart(digits, "0")}` : String(value), plain: String(value) };
  }
  const within = node.kind === "tlv" ? { start: node.start + 4, end: node.end } : node;
  const isOctets = value !== "" && octetsOf(shown, within) === value.toLowerCase();
  return isOctets ? { value: pairs(value), plain: value } : { value: `"${value}"`, plain: value };
}

/** Puts what is wrong on the fields it is about. */
function blame(shown: Shown, all: Row[]): void {
  const wrong = [...(shown.defect ? [{ ...shown.defect, clause: null, bad: true }] : []), ...shown.findings.map((finding) => ({ ...finding, bad: false }))];
  for (const { field, offset, message, clause, bad } of wrong) place(all, field, offset)?.faults.push({ bad, message, clause });
}

/** The line that a finding is about; none when its field is not there. */
export function place(all: readonly Row[], field: string | null, offset: number | null): Row | undefined {
  const named = all.filter((row) => row.node.name === field);
  const exact = named.find((row) => row.node.start === offset) ?? (offset === null || field === null ? undefined : named.find((row) => row.node.start <= offset && offset < row.node.end));
  if (exact) return exact;
  if (named.length > 0) return named[0];
  if (field !== null || offset === null) return undefined;
  return all.findLast((row) => row.node.start <= offset && offset < row.node.end);
}

/** Which of these lines each octet belongs to: the deepest; -1 for those of none. */
export function owners(shown: Pick<Shown, "hex">, visible: readonly Row[]): Int32Array {
  const of = new Int32Array(Math.ceil(shown.hex.length / 2)).fill(-1);
  visible.forEach((row, at) => of.fill(at, row.node.start, Math.max(row.node.start, row.node.end)));
  return of;
}

/** Octets of one line that belong together: of one field, in one group of eight. */
export interface Run {
  start: number;
  end: number;
  /** Index of the line of the tree; -1 for none. */
  of: number;
  /** Whether the field begins and ends here. */
  opens: boolean;
  closes: boolean;
  hex: string;
  text: string;
}

export function runs(hex: string, of: Int32Array, line: number, perLine: number): Run[] {
  const found: Run[] = [];
  const end = Math.min(of.length, (line + 1) * perLine);
  let start = line * perLine;
  for (let at = start + 1; at <= end; at += 1) {
    if (at < end && of[at] === of[start] && at % 8 !== 0) continue;
    const digits = hex.slice(start * 2, at * 2);
    found.push({
      start, end: at, of: of[start] ?? -1, hex: pairs(digits), text: ascii(digits),
      opens: start === 0 || of[start - 1] !== of[start], closes: at >= of.length || of[at] !== of[start],
    });
    start = at;
  }
  return found;
}

/** Octets as ASCII, with a dot for each that is no printable character of it. */
export const ascii = (hex: string): string => (hex.match(/../g) ?? []).map((pair) => { const octet = parseInt(pair, 16); return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·"; }).join("");
