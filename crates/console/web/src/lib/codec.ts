// What is pasted into the codec: its form, its place in the URL, and where in it something is wrong.
import type { Shown } from "./pdu";

export type InputForm = "hex" | "base64" | "json";

/** The form of an input; nothing for none. */
export function formOf(input: string): InputForm | null {
  const text = input.trim();
  if (text === "") return null;
  if (/^[{[]/.test(text)) return "json";
  // A slip in digits is not base64 yet: of that, four in six characters are no digits.
  const others = text.replace(/[0-9a-f]/gi, "").length;
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) && text.length % 4 === 0 && others > text.length / 12 ? "base64" : "hex";
}

/** The fragment that says an input: octets do not reach logs so. */
export function fragment(input: string): string {
  const form = formOf(input);
  if (form === null) return "";
  const isPlain = form === "hex" && /^[0-9a-f\s]*$/i.test(input);
  return `#${isPlain ? "hex" : form === "json" ? "json" : form === "base64" ? "base64" : "text"}=${isPlain ? input.replace(/\s/g, "") : encodeURIComponent(input)}`;
}

export function fromFragment(hash: string): string | null {
  const [, , text] = /^#(hex|base64|json|text)=(.*)$/s.exec(hash) ?? [];
  if (text === undefined) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The character of a text at an octet of its UTF-8. */
export function characterAt(text: string, octet: number): number {
  let octets = 0;
  let at = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (octets + size > octet) return at;
    octets += size;
    at += character.length;
  }
  return text.length;
}

/** Where octets from `start` to `end` stand in digits that may be grouped anyhow. */
export function digitsAt(input: string, start: number, end: number): { start: number; end: number } | null {
  let seen = 0;
  let from = -1;
  for (let at = 0; at < input.length; at += 1) {
    if (!/[0-9a-f]/i.test(input[at] ?? "")) continue;
    if (seen === start * 2) from = at;
    seen += 1;
    if (from >= 0 && seen === Math.max(end, start + 1) * 2) return { start: from, end: at + 1 };
  }
  return from >= 0 ? { start: from, end: input.length } : null;
}

/** What of the input is marked: where it cannot be read, and the first octets that are wrong in each PDU. */
export function marks(input: string, pdus: readonly Shown[], error: { offset: number | null } | null): { start: number; end: number; bad: boolean }[] {
  const found: { start: number; end: number; bad: boolean }[] = [];
  if (error && error.offset !== null) {
    const start = Math.min(characterAt(input, error.offset), Math.max(0, input.length - 1));
    found.push({ start, end: start + 1, bad: true });
  }
  if (formOf(input) === "hex" && !/[^0-9a-f\s]/i.test(input)) {
    let before = 0;
    for (const { defect, nodes, hex } of pdus) {
      if (defect && defect.offset !== null) {
        const node = nodes.find(({ name, start }) => name === defect.field && start === defect.offset);
        const place = digitsAt(input, before + defect.offset, before + (node?.end ?? defect.offset + 1));
        if (place) found.push({ ...place, bad: true });
      }
      before += hex.length / 2;
    }
  }
  return found.sort((a, b) => a.start - b.start).filter((mark, at, all) => at === 0 || mark.start >= (all[at - 1]?.end ?? 0));
}

export const base64 = (hex: string): string => btoa((hex.match(/../g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16))).join(""));

/** The PDUs in another form. */
export function inForm(pdus: readonly Shown[], form: InputForm): string {
  const hex = pdus.map((pdu) => pdu.hex);
  if (form === "hex") return hex.join("\n");
  if (form === "base64") return base64(hex.join(""));
  const forms = pdus.map(({ pdu }) => pdu);
  return JSON.stringify(forms.length === 1 ? forms[0] : forms, null, 2);
}

export interface Example {
  name: string;
  says: string;
  version: string;
  input: string;
}

export const examples: Example[] = [
  { name: "A message", says: "submit_sm, GSM 7-bit with a euro sign, one TLV of the vendor's own", version: "3.4", input: "00000048000000040000000000000001000500736d70706b697400010134343737303039303031323300000000000001000000084b61666665201b65020400020007140000020011" },
  { name: "A delivery receipt", says: "deliver_sm whose text is the receipt, as most centres send it", version: "3.4", input: "0000009e00000005000000000000000100010134343737303039303031323300050053656e646572000400000000000000006b69643a30313233343536373839207375623a30303120646c7672643a303031207375626d697420646174653a3236313132313132303020646f6e6520646174653a3236313132313132303120737461743a44454c49565244206572723a30303020546578743a48656c6c6f" },
  { name: "Part 1 of 3", says: "submit_sm with a header in its text, reference of 16 bits", version: "3.4", input: "0000003d00000004000000000000000100050053656e646572000101343437373030393030313233004000000000010000000a060804beef0301616263" },
  { name: "Something wrong", says: "submit_sm cut one octet short: the rest is still read", version: "3.4", input: "0000003800000004000000000000000100050053656e646572000101343437373030393030313233000000000000000000000548656c6c" },
  { name: "A receipt that is odd", says: "deliver_sm as one centre sent it: its last TLV says it is longer than it is", version: "3.4", input: "000000a40000000500000000000000050001013233343830333337363831353100050056414e534f000400000000040000006369643a30303030303033303035207375623a30303120646c7672643a303031207375626d697420646174653a3130303131383134333120646f6e6520646174653a3130303131383134333120737461743a44454c49565244206572723a3030302074650427000102001e00413330303500" },
  { name: "Several PDUs", says: "a bind, its answer, enquire_link and unbind, one behind the other", version: "3.4", input: "00000023000000090000000000039951414c4c5f545700414c4c5f5457000034010200\n0000001d800000090000000000039943536d7363204757000210000134\n00000010000000150000000000039952\n00000010000000060000000000039953" },
  { name: "JSON", says: "what encodes to octets: lengths and defaults are filled in", version: "5.0", input: '{\n  "command": "submit_sm",\n  "sequence_number": 7,\n  "source_addr": "smppkit",\n  "source_addr_ton": 5,\n  "destination_addr": "46701740621",\n  "dest_addr_ton": 1,\n  "dest_addr_npi": 1,\n  "registered_delivery": 1,\n  "short_message": "48656a"\n}' },
];
