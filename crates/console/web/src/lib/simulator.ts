// The simulator's messages as threads of handsets, and its rules as sentences.
import type { Kept } from "./pdurow";

export interface Submitted {
  smsc: string;
  system_id: string;
  number: number;
  message_ids: string[];
  parts: number;
  parts_wanted: number;
  source_addr: string;
  destination_addr: string;
  text: string;
  data_coding: number;
  service_type: string;
  registered_delivery: number;
  message_state: string;
  error_code: number;
  accepted: string;
  ended: string | null;
}

/** A PDU of the record, as far as threads need it. */
export interface Recorded extends Kept {
  smsc?: string;
  system_id: string | null;
  text: string | null;
  pdu: Record<string, unknown>;
}

/** A request and what the other side said to it. */
export interface Exchange {
  request: Recorded;
  answer: Recorded | null;
}

const LIMIT = 4_000;
const isResponse = ({ hex }: Recorded): boolean => parseInt(hex.slice(8, 10), 16) >= 0x80;

/** What the record holds of one SMSC, read on and on: requests with their answers, the oldest first. */
export class Book {
  exchanges: Exchange[] = [];
  last = 0;
  private waiting = new Map<string, Exchange>();

  add(items: readonly Recorded[], last: number): void {
    for (const item of items) {
      const answers = isResponse(item);
      // A response goes the other way than its request.
      const key = `${item.session}/${item.sequence_number}/${(item.direction === "in") === answers ? "out" : "in"}`;
      if (answers) {
        const exchange = this.waiting.get(key);
        if (exchange) exchange.answer = item;
        this.waiting.delete(key);
      } else {
        const exchange = { request: item, answer: null };
        this.exchanges.push(exchange);
        this.waiting.set(key, exchange);
      }
    }
    this.last = Math.max(last, this.last);
    if (this.exchanges.length > LIMIT) {
      this.exchanges = this.exchanges.slice(-LIMIT);
      if (this.waiting.size > LIMIT) this.waiting = new Map([...this.waiting].slice(-LIMIT));
    }
  }

  /** Forgets what the record no longer has; 0 is all. */
  keepFrom(first: number): void {
    this.exchanges = first === 0 ? [] : this.exchanges.filter(({ request }) => request.number >= first);
    if (first === 0) this.waiting.clear();
  }
}

/** How far a receipt has come. */
export type Receipt = "none" | "waits" | "sent" | "acknowledged" | "refused";

/** One bubble of a thread. */
export interface Bubble {
  key: string;
  /** The handset received it, was to receive it, or sent it. */
  kind: "received" | "refused" | "sent";
  text: string;
  /** The other side: an application's address. */
  other: string;
  atMs: number;
  state: string;
  system_id: string;
  parts: number;
  parts_wanted: number;
  data_coding: number;
  ids: string[];
  error_code: number;
  /** From acceptance to the final state. */
  tookMs: number | null;
  receipt: Receipt;
  /** command_status of the answer; empty while there is none. */
  status: string;
  answeredMs: number | null;
  /** The first PDU of it in the record. */
  pdu: number | null;
}

export interface Thread {
  number: string;
  bubbles: Bubble[];
  lastMs: number;
}

const octet = (value: unknown): number => Number(value ?? 0);
/** Receipts, acknowledgements and notifications, not messages. */
const isReceipt = ({ pdu }: Recorded): boolean => (octet(pdu["esm_class"]) & 0x3c) !== 0;
const SUBMITS = new Set(["submit_sm", "submit_multi", "data_sm"]);
const DELIVERS = new Set(["deliver_sm", "data_sm"]);

interface Tlv {
  name?: string;
  value?: unknown;
  hex?: string;
}
export const tlvsOf = (pdu: Record<string, unknown>): Tlv[] => (Array.isArray(pdu["tlvs"]) ? (pdu["tlvs"] as Tlv[]) : []);
export const tlvOf = (pdu: Record<string, unknown>, name: string): Tlv | undefined => tlvsOf(pdu).find((tlv) => tlv.name === name);

/** Where a part stands in its message, by its header or its TLVs; nothing if it is whole. */
export function partOf(pdu: Record<string, unknown>): { reference: string; total: number; sequence: number } | null {
  for (const element of Array.isArray(pdu["udh"]) ? (pdu["udh"] as { iei?: string; data?: string }[]) : []) {
    const data = element.data ?? "";
    const wide = element.iei === "0x08";
    if (element.iei !== "0x00" && !wide) continue;
    const at = wide ? 4 : 2;
    const total = parseInt(data.slice(at, at + 2), 16);
    if (total > 1) return { reference: data.slice(0, at), total, sequence: parseInt(data.slice(at + 2, at + 4), 16) };
  }
  const total = octet(tlvOf(pdu, "sar_total_segments")?.value);
  return total > 1 ? { reference: String(tlvOf(pdu, "sar_msg_ref_num")?.value ?? ""), total, sequence: octet(tlvOf(pdu, "sar_segment_seqnum")?.value) } : null;
}

const since = (from: Recorded, to: Recorded | null): number | null => (to ? Math.max(0, Date.parse(to.time) - Date.parse(from.time)) : null);

/** Messages, refused requests and what handsets sent: a thread for each handset, the latest first. */
export function threads(messages: readonly Submitted[], exchanges: readonly Exchange[]): Thread[] {
  const found = new Map<string, Bubble[]>();
  const add = (number: string, bubble: Bubble): void => {
    const thread = found.get(number);
    if (thread) thread.push(bubble);
    else found.set(number, [bubble]);
  };
  const submitted = new Map<string, Exchange>();
  const receipts = new Map<string, Exchange>();
  const long = new Map<string, { bubble: Bubble; parts: Map<number, string> }>();
  for (const exchange of exchanges) {
    const { request, answer } = exchange;
    const { pdu } = request;
    const command = request.command ?? "";
    const base = {
      atMs: Date.parse(request.time), state: "", system_id: request.system_id ?? "", parts: 1, parts_wanted: 1, data_coding: octet(pdu["data_coding"]), ids: [], error_code: 0,
      tookMs: null, receipt: "none" as Receipt, status: answer?.command_status ?? "", answeredMs: since(request, answer), pdu: request.number, text: request.text ?? "",
    };
    if (request.direction === "in" && SUBMITS.has(command)) {
      const id = String(answer?.pdu["message_id"] ?? "");
      if (id && answer?.command_status === "ESME_ROK") submitted.set(id, exchange);
      else if (answer && answer.command_status !== "ESME_ROK" && pdu["destination_addr"])
        add(String(pdu["destination_addr"]), { ...base, key: `r${request.number}`, kind: "refused", other: String(pdu["source_addr"] ?? "") });
    } else if (request.direction === "out" && DELIVERS.has(command)) {
      if (isReceipt(request)) {
        const id = tlvOf(pdu, "receipted_message_id")?.value ?? /id:(\S+)/i.exec(request.text ?? "")?.[1];
        if (id !== undefined) receipts.set(String(id), exchange);
        continue;
      }
      const number = String(pdu["source_addr"] ?? "");
      const other = String(pdu["destination_addr"] ?? "");
      const part = partOf(pdu);
      const key = part ? `${number}/${other}/${part.reference}/${part.total}` : "";
      const begun = part ? long.get(key) : undefined;
      if (part && begun && !begun.parts.has(part.sequence)) {
        begun.parts.set(part.sequence, base.text);
        begun.bubble.text = [...begun.parts].sort(([one], [two]) => one - two).map(([, text]) => text).join("");
        begun.bubble.parts = begun.parts.size;
        if (begun.bubble.status === "ESME_ROK" || base.status !== "ESME_ROK") Object.assign(begun.bubble, { status: base.status, answeredMs: base.answeredMs });
        continue;
      }
      const bubble: Bubble = { ...base, key: `p${request.number}`, kind: "sent", other, parts_wanted: part?.total ?? 1 };
      if (part) long.set(key, { bubble, parts: new Map([[part.sequence, base.text]]) });
      add(number, bubble);
    }
  }
  for (const message of messages) {
    const first = message.message_ids.map((id) => submitted.get(id)).find((each) => each !== undefined);
    const last = message.message_ids.map((id) => receipts.get(id)).findLast((each) => each !== undefined);
    const atMs = Date.parse(message.accepted);
    add(message.destination_addr, {
      key: `m${message.smsc}/${message.number}`, kind: "received", text: message.text, other: message.source_addr, atMs, state: message.message_state, system_id: message.system_id,
      parts: message.parts, parts_wanted: message.parts_wanted, data_coding: message.data_coding, ids: message.message_ids, error_code: message.error_code,
      tookMs: message.ended ? Math.max(0, Date.parse(message.ended) - atMs) : null,
      receipt: (message.registered_delivery & 0x03) === 0 ? "none" : !last ? "waits" : !last.answer ? "sent" : last.answer.command_status === "ESME_ROK" ? "acknowledged" : "refused",
      status: first?.answer?.command_status ?? "", answeredMs: first ? since(first.request, first.answer) : null, pdu: first?.request.number ?? null,
    });
  }
  return [...found.entries()]
    .map(([number, bubbles]) => ({ number, bubbles: bubbles.sort((one, other) => one.atMs - other.atMs), lastMs: Math.max(...bubbles.map((bubble) => bubble.atMs)) }))
    .sort((one, other) => other.lastMs - one.lastMs);
}

/** The PDUs of a handset: to it, from it, receipts of it, each with its answer; the oldest first. */
export const pdusOf = (number: string, exchanges: readonly Exchange[]): Recorded[] =>
  exchanges
    .filter(({ request: { pdu } }) => pdu["destination_addr"] === number || pdu["source_addr"] === number)
    .flatMap(({ request, answer }) => (answer ? [request, answer] : [request]))
    .sort((one, other) => one.number - other.number);

/** The alphabet that a data_coding names. */
export function alphabet(data_coding: number): string {
  const names: Record<number, string> = { 0: "GSM 7-bit", 1: "ASCII", 2: "binary", 3: "Latin 1", 4: "binary", 5: "JIS", 6: "Cyrillic", 7: "Hebrew", 8: "UCS-2", 9: "pictogram", 10: "ISO-2022-JP", 13: "Kanji JIS", 14: "KS C 5601" };
  return names[data_coding] ?? `data_coding 0x${data_coding.toString(16).padStart(2, "0")}`;
}

export interface Rule {
  name?: string;
  on?: string[];
  when?: Record<string, unknown>;
  unless?: Record<string, unknown> | null;
  share?: string;
  every?: number;
  skip?: number;
  times?: number | null;
  then?: Record<string, unknown>;
}

export interface Counted {
  place: number;
  from: "rest" | "file";
  held: number;
  taken: number;
  rule: Rule;
}

const value = (given: unknown): string => (Array.isArray(given) ? given.join(" or ") : typeof given === "object" ? JSON.stringify(given) : String(given));
export const DEFAULT_ON = ["submit_sm", "data_sm", "submit_multi"];

/** Which PDUs a rule is for, in words; nothing is said of messages, which are the rule. */
export function condition(rule: Rule): string {
  const on = rule.on && JSON.stringify(rule.on) !== JSON.stringify(DEFAULT_ON) ? rule.on.join(", ") : "";
  const when = Object.entries(rule.when ?? {}).map(([field, given]) => `${field} ${value(given)}`);
  const unless = Object.entries(rule.unless ?? {}).map(([field, given]) => `${field} ${value(given)}`);
  return [on || (when.length ? "" : "any message"), when.join(" and "), unless.length ? `unless ${unless.join(" and ")}` : ""].filter(Boolean).join(", ");
}

/** How many of those it takes; empty for all. */
export function extent(rule: Rule): string {
  return [
    rule.share && rule.share !== "100%" ? rule.share.replace("%", " %") : "", rule.every && rule.every > 1 ? `one in ${rule.every}` : "", rule.skip ? `after the first ${rule.skip}` : "",
    (rule.times ?? null) !== null ? `${rule.times} ${rule.times === 1 ? "time" : "times"}` : "",
  ].filter(Boolean).join(", ");
}

/** A piece of what a rule does. */
export interface Effect {
  said: string;
  kind?: "status" | "state" | "code";
}
const pair = (label: string, given: unknown, kind?: Effect["kind"]): Effect[] => [{ said: label }, { said: value(given), ...(kind ? { kind } : {}) }];

/** What a rule does, in pieces; a comma stands between two lists. */
export function effects(rule: Rule): Effect[][] {
  const then = rule.then ?? {};
  const has = (name: string): boolean => then[name] !== null && then[name] !== undefined;
  const made: Effect[][] = [];
  if (has("status")) made.push(pair("answer", then["status"], "status"));
  if (has("answer") && then["answer"] !== "once") made.push(then["answer"] === "none" ? [{ said: "no answer" }] : then["answer"] === "twice" ? [{ said: "answer twice" }] : pair("answer as", then["answer"], "code"));
  if (has("octets")) made.push(pair("answer with octets", then["octets"], "code"));
  if (has("answer_after")) made.push(pair(made.length ? "after" : "answer after", then["answer_after"], "code"));
  if (has("state")) made.push(pair("ends", then["state"], "state"));
  if (has("error_code")) made.push([{ said: `err ${String(then["error_code"]).padStart(3, "0")}` }]);
  if (has("delay")) made.push(pair(has("state") ? "after" : "receipt after", then["delay"], "code"));
  if (has("connection")) made.push(pair("connection", ({ unbind: "unbound", close: "closed", reset: "reset", hang: "hangs" } as Record<string, string>)[String(then["connection"])] ?? then["connection"]));
  if (has("dialect")) made.push(pair("dialect", then["dialect"], "code"));
  if (has("reply")) made.push(pair("replies", (then["reply"] as { text?: string }).text ?? ""));
  if (has("segments")) {
    const { octets, pause } = then["segments"] as { octets?: number; pause?: string };
    made.push([{ said: `${octets ? `${octets} octets in a write` : "writes"}${pause ? `, ${pause} apart` : ""}` }]);
  }
  if (has("script")) made.push([{ said: "a script decides" }]);
  return made.length ? made : [[{ said: "as without a rule" }]];
}
export const consequence = (rule: Rule): string => effects(rule).map((pieces) => pieces.map(({ said }) => said).join(" ")).join(", ");

/** A rule as a form has it: texts, empty for what is not said. */
export interface Draft {
  name: string;
  on: string;
  when: { field: string; pattern: string; not?: boolean | undefined }[];
  share: string;
  skip: string;
  every: string;
  times: string;
  status: string;
  answer: string;
  answer_after: string;
  state: string;
  delay: string;
  error_code: string;
  dialect: string;
  connection: string;
  reply: string;
  reply_after: string;
}
/** Fields that conditions are often about; any field or TLV of the PDU will do. */
export const FIELDS = ["destination_addr", "source_addr", "text", "system_id", "bind_mode", "interface_version", "peer", "data_coding", "esm_class", "registered_delivery", "service_type", "validity_period", "sequence_number"];
const SAID = ["status", "answer", "answer_after", "state", "delay", "error_code", "dialect", "connection"] as const;

/** Patterns of a condition, a list as lines of its own would be: with commas. */
const patternOf = (given: unknown): string => (Array.isArray(given) ? given.join(", ") : String(given));

/** Whether a form can say all of a rule. */
export function isPlain(rule: Rule): boolean {
  const then = rule.then ?? {};
  const reply = then["reply"] as Record<string, unknown> | null | undefined;
  const simple = (given: unknown): boolean => ["string", "number"].includes(typeof given) && (typeof given !== "string" || !given.includes(",")) || (Array.isArray(given) && given.every((each) => typeof each !== "object" && !String(each).includes(",")));
  return (
    Object.values(rule.when ?? {}).every(simple) && Object.values(rule.unless ?? {}).every(simple) &&
    !Object.keys(rule.when ?? {}).some((field) => field in (rule.unless ?? {})) &&
    ["octets", "segments", "script"].every((name) => (then[name] ?? null) === null) && (!reply || Object.keys(reply).every((name) => name === "text" || name === "after"))
  );
}

export function draftOf(rule: Rule): Draft {
  const then = rule.then ?? {};
  const said = (name: string): string => (then[name] === null || then[name] === undefined ? "" : String(then[name]));
  const reply = (then["reply"] ?? {}) as { text?: string; after?: string };
  return {
    name: rule.name ?? "", on: rule.on && JSON.stringify(rule.on) !== JSON.stringify(DEFAULT_ON) ? rule.on.join(", ") : "",
    when: [...Object.entries(rule.when ?? {}).map(([field, given]) => ({ field, pattern: patternOf(given) })), ...Object.entries(rule.unless ?? {}).map(([field, given]) => ({ field, pattern: patternOf(given), not: true }))],
    share: rule.share && rule.share !== "100%" ? rule.share : "", skip: rule.skip ? String(rule.skip) : "", every: rule.every && rule.every > 1 ? String(rule.every) : "", times: (rule.times ?? null) === null ? "" : String(rule.times),
    status: said("status"), answer: said("answer") === "once" ? "" : said("answer"), answer_after: said("answer_after"), state: said("state"), delay: said("delay"), error_code: said("error_code"), dialect: said("dialect"), connection: said("connection"),
    reply: reply.text ?? "", reply_after: reply.after ?? "",
  };
}

/** What is no number is sent as it was typed: the server says what is wrong with it. */
const counted = (typed: string): number | string => (/^\d+$/.test(typed.trim()) ? Number(typed) : typed);

export function ruleOf(draft: Draft): Rule {
  const conditions = (not: boolean): Record<string, unknown> =>
    Object.fromEntries(
      draft.when.filter((each) => Boolean(each.not) === not && each.field.trim() && each.pattern !== "").map(({ field, pattern }) => {
        const parts = pattern.split(",").map((part) => part.trim()).filter(Boolean);
        // A comma may be part of a regular expression.
        return [field.trim(), parts.length > 1 && !pattern.includes("/") ? parts : pattern];
      }),
    );
  const [when, unless] = [conditions(false), conditions(true)];
  const then: Record<string, unknown> = {};
  for (const name of SAID) if (draft[name].trim()) then[name] = name === "error_code" ? counted(draft[name]) : draft[name].trim();
  if (draft.reply) then["reply"] = { text: draft.reply, ...(draft.reply_after.trim() ? { after: draft.reply_after.trim() } : {}) };
  return {
    ...(draft.name.trim() ? { name: draft.name.trim() } : {}), ...(draft.on.trim() ? { on: draft.on.split(/[\s,]+/).filter(Boolean) } : {}),
    ...(Object.keys(when).length ? { when } : {}), ...(Object.keys(unless).length ? { unless } : {}),
    ...(draft.share.trim() && draft.share.trim() !== "100%" ? { share: draft.share.trim() } : {}),
    ...(draft.skip.trim() ? { skip: counted(draft.skip) as number } : {}), ...(draft.every.trim() ? { every: counted(draft.every) as number } : {}), ...(draft.times.trim() ? { times: counted(draft.times) as number } : {}), then,
  };
}

/** Whether nothing of these PDUs gets past a rule. */
function takesAll({ rule }: Counted): boolean {
  return !Object.keys(rule.when ?? {}).length && !rule.unless && (!rule.share || rule.share === "100%") && (rule.every ?? 0) < 2 && !rule.skip && (rule.times ?? null) === null;
}

/** The rule in front that leaves nothing for this one; nothing if it can be reached. */
export const hiddenBy = (rule: Counted, all: readonly Counted[]): Counted | null =>
  all.find((other) => other.place < rule.place && takesAll(other) && (rule.rule.on ?? DEFAULT_ON).every((command) => (other.rule.on ?? DEFAULT_ON).includes(command))) ?? null;

/** A rule that a PDU would match, as the server says; `told` is what it takes and leaves, in words. */
export interface Tested {
  place: number;
  from: "rest" | "file" | "draft";
  takes: "all" | "some" | "none";
  told: string;
  rule: Rule;
}
/** What is asked of the rules; empty for what is not said. */
export interface Trial {
  command: string;
  number: string;
  text: string;
  source: string;
  system_id: string;
}
const TO = ["submit_sm", "submit_multi", "data_sm", "deliver_sm", "cancel_sm"];
const FROM = [...TO, "query_sm", "replace_sm", "broadcast_sm", "query_broadcast_sm", "cancel_broadcast_sm"];
const WITH_TEXT = ["submit_sm", "submit_multi", "data_sm", "deliver_sm", "replace_sm"];

/** PDUs that rules are often about. */
export const PDUS = [...DEFAULT_ON, "deliver_sm", "bind_transmitter", "bind_receiver", "bind_transceiver", "enquire_link", "unbind", "query_sm", "cancel_sm", "replace_sm", "broadcast_sm"];
/** The PDU that a rule is tested with: the first that it is for. */
export function commandOf({ on }: Rule): string {
  const first = (Array.isArray(on) ? on : [])[0] ?? "submit_sm";
  return first.endsWith("*") ? (PDUS.find((name) => name.startsWith(first.slice(0, -1))) ?? first) : first;
}

/** What the server is asked; nothing while the number is not said that the PDU needs. */
export function questionOf({ command, number, text, source, system_id }: Trial, draft: { rule: Rule; place: number | null } | null): Record<string, unknown> | null {
  const plain = (address: string): string => address.replace(/[\s+]/g, "");
  const isSent = TO.includes(command);
  if (isSent && !plain(number)) return null;
  return {
    ...(command === "submit_sm" ? {} : { command }), ...(isSent ? { destination_addr: plain(number) } : {}), ...(text && WITH_TEXT.includes(command) ? { text } : {}),
    ...(source && FROM.includes(command) ? { source_addr: plain(source) } : {}), ...(system_id ? { system_id } : {}), ...(draft ? { rule: draft.rule, ...(draft.place === null ? {} : { place: draft.place }) } : {}),
  };
}

export interface Fault {
  label: string;
  /** What is said beside its switch. */
  extent: string;
  rule: Rule;
}
const BINDS = ["bind_transmitter", "bind_receiver", "bind_transceiver"];
const PREFIX = "fault: ";
/** Faults that testers switch on and off: rules with a name of their own. */
export const FAULTS: readonly Fault[] = [
  { label: "Throttling", extent: "50 %", rule: { share: "50%", then: { status: "ESME_RTHROTTLED" } } },
  { label: "Queue full", extent: "20 %", rule: { share: "20%", then: { status: "ESME_RMSGQFUL" } } },
  { label: "System errors", extent: "10 %", rule: { share: "10%", then: { status: "ESME_RSYSERR" } } },
  { label: "No answers", extent: "10 %", rule: { share: "10%", then: { answer: "none" } } },
  { label: "Disconnects", extent: "2 %", rule: { share: "2%", then: { connection: "close" } } },
  { label: "Resets", extent: "2 %", rule: { share: "2%", then: { connection: "reset" } } },
  { label: "Hanging link", extent: "1 %", rule: { share: "1%", then: { connection: "hang" } } },
  { label: "Wrong sequence", extent: "5 %", rule: { share: "5%", then: { answer: "wrong-sequence" } } },
  { label: "Rejects", extent: "25 %", rule: { share: "25%", then: { state: "REJECTED", error_code: 11 } } },
  { label: "Undeliverable", extent: "25 %", rule: { share: "25%", then: { state: "UNDELIVERABLE", error_code: 27 } } },
  { label: "Receipts twice", extent: "50 %", rule: { share: "50%", then: { dialect: "duplicate" } } },
  { label: "No receipts", extent: "50 %", rule: { share: "50%", then: { dialect: "lost" } } },
  { label: "Slow answers", extent: "1 to 5 s", rule: { then: { answer_after: "1s..5s" } } },
  { label: "Late receipts", extent: "30 s", rule: { then: { delay: "30s" } } },
  { label: "Split writes", extent: "7 octets", rule: { on: BINDS, then: { segments: { octets: 7, pause: "2ms" } } } },
  { label: "Binds refused", extent: "all", rule: { on: BINDS, then: { status: "ESME_RBINDFAIL" } } },
  { label: "Mute enquire_link", extent: "all", rule: { on: ["enquire_link"], then: { answer: "none" } } },
];
export const faultName = ({ label }: Fault): string => PREFIX + label.toLowerCase();
export const isFault = (rule: Rule): boolean => rule.name?.startsWith(PREFIX) ?? false;

/**
 * The rules of ours with a fault switched on or off. Those for a share stand before those for all, which would leave them
 * nothing; what people wrote comes after the faults.
 */
export function switched(own: readonly Rule[], fault: Fault, on: boolean): Rule[] {
  const name = faultName(fault);
  const others = own.filter((rule) => rule.name !== name);
  if (!on) return others;
  const made = { name, ...fault.rule };
  const rank = (rule: Rule): number => (!isFault(rule) ? 2 : rule.share && rule.share !== "100%" ? 0 : 1);
  const at = others.findIndex((rule) => rank(rule) > rank(made));
  return at < 0 ? [...others, made] : [...others.slice(0, at), made, ...others.slice(at)];
}
