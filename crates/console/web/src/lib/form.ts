// A PDU as a form: texts as they are typed, to the JSON that encodes and back.
import type { Form, OctetClass, Shown } from "./pdu";

export interface NamedValue { value: number; name: string }
export interface FieldEntry {
  name: string;
  kind: "int" | "cstr" | "octets" | "time" | "list" | "tlvs";
  octets: number | null;
  max: number | null;
  limits: { version: string; max: number }[];
  class: OctetClass;
  help: string;
  default: unknown;
  values: NamedValue[];
  status: string;
  count: string | null;
  entry: FieldEntry[];
}
export interface PduEntry {
  name: string;
  command_id: number;
  section: string;
  help: string;
  since: string | null;
  until: string | null;
  request: boolean;
  answered_by: string | null;
  senders: { role: string; states: string[] }[];
  fields: FieldEntry[];
  tlvs: { required: string[]; known?: string[] };
}
export interface TlvEntry { tag: string; name: string; kind: "int" | "cstr" | "octets"; min: number; max: number; help: string; values: NamedValue[] }
export interface StatusEntry { code: number; name: string; help: string }
export interface Table { pdus: PduEntry[]; tlvs: TlvEntry[]; statuses: StatusEntry[] }

export interface TlvDraft { tag: string; text: string }
export type Encoding = "auto" | "gsm7" | "latin1" | "ucs2" | "hex";

export interface Draft {
  command: string;
  /** Empty is the next. */
  sequence: string;
  status: string;
  /** Empty is computed. */
  length: string;
  /** Fields as they are typed, but for those that hold the text. */
  fields: Record<string, string>;
  lists: Record<string, Record<string, string>[]>;
  tlvs: TlvDraft[];
  text: string;
  encoding: Encoding;
  /** Whether data_coding is what somebody typed, not what the text asks for. */
  ownCoding: boolean;
}

/** What a text is in octets, as the server says. */
export interface Sized {
  encoding: string;
  data_coding: number;
  unit: string;
  units: number;
  limit: number;
  units_left: number;
  parts: { units: number; octets: number; hex: string; udh_octets: number; text: string }[];
  dear: { character: string; units: number; hex: string }[];
  forced_ucs2_by: string[];
}

const MESSAGE_PAYLOAD = "0x0424";
const sameTag = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Where the text of a PDU stands. */
export function carrier(pdu: PduEntry, draft: Pick<Draft, "tlvs">): "short_message" | "message_payload" | null {
  if (draft.tlvs.some(({ tag }) => sameTag(tag, MESSAGE_PAYLOAD))) return "message_payload";
  return pdu.fields.some((field) => field.name === "short_message") ? "short_message" : null;
}

const initial = (field: FieldEntry): string => (typeof field.default === "number" || typeof field.default === "string" ? String(field.default) : "");

export function empty(pdu: PduEntry, table: Table): Draft {
  const fields: Record<string, string> = {};
  const lists: Draft["lists"] = {};
  for (const field of pdu.fields) {
    if (field.kind === "list") lists[field.name] = field.entry.length > 0 ? [entryOf(field)] : [];
    else if (field.kind !== "tlvs") fields[field.name] = initial(field);
  }
  const needed = pdu.tlvs.required.map((name) => ({ tag: table.tlvs.find((tlv) => tlv.name === name)?.tag ?? name, text: "" }));
  const isText = (pdu.name === "data_sm" || pdu.name === "broadcast_sm") && !needed.some(({ tag }) => sameTag(tag, MESSAGE_PAYLOAD));
  return { command: pdu.name, sequence: "", status: "0", length: "", fields, lists, tlvs: [...needed, ...(isText ? [{ tag: MESSAGE_PAYLOAD, text: "" }] : [])], text: "", encoding: "auto", ownCoding: false };
}

/** A first draft that a test server takes. */
export function begin(pdu: PduEntry, table: Table): Draft {
  const draft = empty(pdu, table);
  const preset: Record<string, string> = { source_addr_ton: "5", source_addr: "smppkit", dest_addr_ton: "1", dest_addr_npi: "1", destination_addr: "447700900123", registered_delivery: "1" };
  if (/^(submit_sm|data_sm)$/.test(pdu.name)) for (const [name, value] of Object.entries(preset)) if (name in draft.fields) draft.fields[name] = value;
  if (/^(submit_sm|submit_multi|data_sm)$/.test(pdu.name)) draft.text = "Hello";
  if (pdu.name === "submit_multi") draft.lists.dest_address = ["447700900123", "447700900124"].map((number) => ({ dest_flag: "1", dest_addr_ton: "1", dest_addr_npi: "1", destination_addr: number, dl_name: "" }));
  return draft;
}

export function entryOf(field: FieldEntry): Record<string, string> {
  return Object.fromEntries(field.entry.map((part) => [part.name, part.name === "dest_flag" ? "1" : initial(part)]));
}

/** The fields that an entry of a list has: a distribution list has a name, an SME an address (SMPP 5.0, 4.7.7). */
export const partsOf = (field: FieldEntry, entry: Record<string, string>): FieldEntry[] =>
  field.entry.filter(({ name }) => !("dest_flag" in entry) || name === "dest_flag" || (entry.dest_flag?.trim() === "2") === name.startsWith("dl_"));

/** A number as it is typed, decimal or with 0x; the text itself if it is none, so that the server names the fault. */
export function int(text: string): number | string {
  const plain = text.trim();
  if (/^0x[0-9a-f]+$/i.test(plain)) return parseInt(plain, 16);
  return /^\d+$/.test(plain) ? Number(plain) : plain === "" ? 0 : plain;
}

const fieldValue = (field: FieldEntry, text: string): unknown => (field.kind === "int" ? int(text) : field.kind === "octets" ? text.replace(/\s/g, "") : text);

/** The JSON that encodes; `text` is the octets of the text, in hexadecimal digits. */
export function toForm(draft: Draft, pdu: PduEntry, table: Table, text: { hex: string; coding: number | null; udh: boolean } | null): Form {
  const form: Form = { command: draft.command };
  form.sequence_number = draft.sequence.trim() === "" ? 0 : int(draft.sequence);
  if (int(draft.status) !== 0) form.command_status = int(draft.status);
  if (draft.length.trim() !== "") form.command_length = int(draft.length);
  const holds = carrier(pdu, draft);
  for (const field of pdu.fields) {
    if (field.kind === "tlvs") continue;
    if (field.kind === "list") form[field.name] = (draft.lists[field.name] ?? []).map((entry) => Object.fromEntries(partsOf(field, entry).map((part) => [part.name, fieldValue(part, entry[part.name] ?? "")])));
    else if (field.name === "short_message" && holds === "short_message") form[field.name] = draft.encoding === "hex" ? draft.text.replace(/\s/g, "") : (text?.hex ?? "");
    else form[field.name] = fieldValue(field, draft.fields[field.name] ?? "");
  }
  if (text && draft.encoding !== "hex") {
    if (text.coding !== null && !draft.ownCoding && "data_coding" in form) form.data_coding = text.coding;
    if (text.udh && typeof form.esm_class === "number") form.esm_class |= 0x40;
  }
  if (draft.tlvs.length > 0) {
    form.tlvs = draft.tlvs.map(({ tag, text: typed }) => {
      if (holds === "message_payload" && sameTag(tag, MESSAGE_PAYLOAD)) return { tag, hex: draft.encoding === "hex" ? draft.text.replace(/\s/g, "") : (text?.hex ?? "") };
      const def = table.tlvs.find((tlv) => sameTag(tlv.tag, tag));
      return def?.kind === "int" ? { tag, value: int(typed) } : def?.kind === "cstr" ? { tag, value: typed } : { tag, hex: typed.replace(/\s/g, "") };
    });
  }
  return form;
}

/** The form of a PDU that was taken apart; none if its body could not be read into fields. */
export function fromShown(shown: Shown, table: Table): Draft | null {
  const form = shown.pdu;
  const pdu = table.pdus.find(({ name }) => name === shown.command);
  if (!form || !pdu || "body" in form) return null;
  const draft = empty(pdu, table);
  draft.tlvs = [];
  const plain = (value: unknown): string => (value === null || value === undefined ? "" : String(value));
  draft.sequence = plain(form.sequence_number);
  draft.status = plain(form.command_status ?? 0);
  draft.length = plain(form.command_length);
  for (const field of pdu.fields) {
    const value = form[field.name];
    if (field.kind === "list" && Array.isArray(value)) draft.lists[field.name] = value.map((entry) => (typeof entry === "object" && entry !== null ? { ...entryOf(field), ...Object.fromEntries(Object.entries(entry as Form).map(([name, each]) => [name, plain(each)])) } : {}));
    else if (field.kind !== "tlvs" && value !== undefined) draft.fields[field.name] = plain(value);
  }
  for (const tlv of Array.isArray(form.tlvs) ? (form.tlvs as Form[]) : []) draft.tlvs.push({ tag: plain(tlv.tag), text: plain(tlv.value ?? tlv.hex) });
  const holds = carrier(pdu, draft);
  const payload = draft.tlvs.find(({ tag }) => sameTag(tag, MESSAGE_PAYLOAD));
  const octets = holds === "message_payload" ? (payload?.text ?? "") : (draft.fields.short_message ?? "");
  const coding = int(draft.fields.data_coding ?? "0");
  const named: Encoding | null = coding === 0 ? "gsm7" : coding === 3 ? "latin1" : coding === 8 ? "ucs2" : null;
  const readable = shown.text && named && (shown.text.fidelity ?? "exact") === "exact" && !(shown.text.udh_octets ?? 0);
  draft.encoding = readable ? (named === "gsm7" ? "auto" : named) : "hex";
  draft.ownCoding = draft.encoding !== "auto";
  draft.text = readable && shown.text ? shown.text.text : octets;
  if (octets === "") Object.assign(draft, { encoding: "auto", text: "", ownCoding: false });
  return draft;
}

const ALWAYS = /^(source_addr|destination_addr|dest_address|esm_addr|message_id|registered_delivery|data_coding|short_message|system_id|interface_version)$/;

/** Whether a field is folded away: it has its default, and is none that people look for. */
export function isFolded(field: FieldEntry, draft: Draft): boolean {
  if (field.kind === "tlvs") return true;
  if (ALWAYS.test(field.name) || field.kind === "list") return false;
  return (draft.fields[field.name] ?? "").trim() === initial(field);
}

export type Line = { kind: "field"; field: FieldEntry } | { kind: "address"; ton: FieldEntry; npi: FieldEntry; field: FieldEntry };

/** Fields in the order of the wire; an address and its kind on one line. */
export function lines(pdu: PduEntry): Line[] {
  const made: Line[] = [];
  const { fields } = pdu;
  for (let at = 0; at < fields.length; at += 1) {
    const [field, npi, address] = [fields[at], fields[at + 1], fields[at + 2]];
    if (field && npi && address && field.name.endsWith("_ton") && npi.name.endsWith("_npi") && address.kind === "cstr") {
      made.push({ kind: "address", ton: field, npi, field: address });
      at += 2;
    } else if (field && field.kind !== "tlvs") made.push({ kind: "field", field });
  }
  return made;
}

/** The text in one piece, as message_payload has it: without the headers of parts. */
export const whole = ({ parts }: Pick<Sized, "parts">): string => parts.map(({ hex, udh_octets }) => hex.slice(udh_octets * 2)).join("");

/** One part of a long message, with a reference of its own in its header (3GPP 23.040, 9.2.3.24.1). */
export const withReference = (hex: string, reference: number): string => (hex.startsWith("050003") ? hex.slice(0, 6) + (reference & 0xff).toString(16).padStart(2, "0") + hex.slice(8) : hex);

/** A word as a shell takes it. */
const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export interface Target { host: string; port: number; tls: boolean; system_id: string; version: string }

/** The same from a shell; nothing for what `smppkit send` does not send. */
export function shell(draft: Draft, pdu: PduEntry, table: Table, target: Target, repeat: { count: number; rate: number; window: number } | null = null): string | null {
  if (!["submit_sm", "submit_multi", "data_sm"].includes(pdu.name)) return null;
  const words = ["smppkit", "send", "--url", quoted(`${target.tls ? "ssmpp" : "smpp"}://${encodeURIComponent(target.system_id)}@${target.host}:${target.port}`)];
  if (target.version !== "5.0") words.push("--protocol", target.version);
  const { fields } = draft;
  const to = pdu.name === "submit_multi" ? (draft.lists.dest_address ?? []).map((entry) => entry.destination_addr ?? "").filter(Boolean) : [fields.destination_addr ?? ""];
  if (fields.source_addr) words.push("--from", quoted(fields.source_addr));
  for (const number of to) words.push("--to", quoted(number));
  if (pdu.name === "submit_multi") words.push("--multi");
  if (pdu.name === "data_sm") words.push("--data-sm");
  const told = new Set(["source_addr", "destination_addr", "short_message", "data_coding", ...(fields.registered_delivery === "1" ? ["registered_delivery"] : [])]);
  if (draft.ownCoding) told.delete("data_coding");
  const guessed: Record<string, string> = { source_addr_ton: /^\d+$/.test(fields.source_addr ?? "") ? "1" : "5", source_addr_npi: /^\d+$/.test(fields.source_addr ?? "") ? "1" : "0", dest_addr_ton: "1", dest_addr_npi: "1" };
  for (const field of pdu.fields) {
    const value = fields[field.name];
    if (value === undefined || told.has(field.name) || value.trim() === (guessed[field.name] ?? initial(field))) continue;
    words.push("--field", quoted(`${field.name}=${field.kind === "octets" ? `hex:${value}` : value}`));
  }
  if (fields.registered_delivery === "0") words.push("--wait", "0");
  for (const { tag, text } of draft.tlvs) {
    if (sameTag(tag, MESSAGE_PAYLOAD)) continue;
    const def = table.tlvs.find((tlv) => sameTag(tlv.tag, tag));
    words.push("--tlv", quoted(`${def?.name ?? tag}=${def && def.kind !== "octets" ? (def.kind === "int" ? int(text) : text) : `hex:${text.replace(/\s/g, "")}`}`));
  }
  if (draft.tlvs.some(({ tag }) => sameTag(tag, MESSAGE_PAYLOAD)) && pdu.name !== "data_sm") words.push("--payload");
  if (draft.encoding !== "auto") words.push("--encoding", draft.encoding === "hex" ? "binary" : draft.encoding);
  if (repeat && repeat.count > 1) words.push("--repeat", String(repeat.count), "--rate", String(repeat.rate), "--window", String(repeat.window));
  words.push(quoted(draft.encoding === "hex" ? draft.text.replace(/\s/g, "") : draft.text || " "));
  return words.join(" ");
}
