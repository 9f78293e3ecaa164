// Messages of the gateway: their shapes, the filter's words, exports.
import type { Parsed } from "./filter";
import { duration } from "./format";
import { look, word } from "./states";

export interface Message {
  message_id: string;
  account: string;
  /** A connector, or `esme:` and the account it is for. */
  queue: string;
  source_addr: string;
  destination_addr: string;
  state: string;
  attempts: number;
  priority: number;
  accepted: string;
  due: string;
  expires: string | null;
  ended: string | null;
  connector: string | null;
  remote_id: string | null;
  reason: string | null;
  kind?: "message" | "incoming" | "receipt" | "broadcast" | "unknown";
  told?: string | null;
  tells?: string | null;
  text?: string | null;
}

export interface Happened {
  at: string;
  event: "sent" | "retry" | "delay" | "end" | "replay" | "other";
  connector?: string;
  remote_id?: string;
  queue?: string;
  due?: string;
  state?: string;
  reason?: string;
}

export interface Story extends Message {
  version: number;
  interface_version: string | null;
  others: string[];
  pdu: Record<string, unknown> | null;
  remote_ids: string[];
  events: Happened[];
}

export const STATES = ["queued", "sent", "delivered", "failed", "expired", "cancelled"];
export const FIELDS = ["account", "source", "dest", "state", "id", "kind", "connector", "text", "attempts", "queue", "reason", "remote", "told"];

/** A state by the server's word or by the protocol's; all that begin so, while it is being typed; as it was typed if there is none. */
export function statesOf(typed: string): string[] {
  const start = typed.toLowerCase().replace(/\*$/, "");
  const words = (state: string): string[] => [state, word(state).toLowerCase()];
  const exact = STATES.filter((state) => words(state).includes(start));
  const begun = exact.length ? exact : STATES.filter((state) => words(state).some((each) => each.startsWith(start)));
  return begun.length ? begun : [typed];
}

/** The server's names. */
const names: Record<string, string> = { source: "source_addr", dest: "destination_addr", id: "message_id", remote: "remote_id", "": "contains" };

/** One of several values, as the server writes patterns. */
function part(field: string, value: string): string {
  if (field === "state") return statesOf(value).join(",");
  // A text may begin with a plus; a number does in the page, and not on the wire.
  return field === "dest" || field === "source" ? value.replace(/^\+(?=[\d*])/, "") : value;
}

/** A text that stands anywhere, in either case; `*` is any text. */
const within = (value: string): string => `/${value.split("*").map((piece) => piece.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*")}/i`;

/** What the server is asked for: `*` stands for any text, a comma for or. */
export function asked({ terms }: Parsed): [string, string][] {
  return terms.map(({ field, op, value }) => {
    const name = names[field] ?? field;
    if (op === ">") return [name, `${Number(value) + 1}..`];
    if (op === "<") return [name, `..${Number(value) - 1}`];
    if (op === "~") return [name, `/${value}/i`];
    const wanted = field === "text" ? within(value) : field === "" || value.startsWith("/") ? value : value.split(",").map((one) => part(field, one)).join(",");
    return [name, op === "!=" ? `!${wanted}` : wanted];
  });
}

/** Whether one message is asked for, whenever it was. */
export const isOne = ({ terms }: Parsed): boolean => terms.some(({ field, op, value }) => field === "id" && op === ":" && /^\d+$/.test(value));

const COLUMNS = ["accepted", "message_id", "kind", "account", "source_addr", "destination_addr", "text", "state", "ended", "attempts", "connector", "remote_id", "reason"] as const;

/** A cell that no spreadsheet takes for a formula. */
export function cell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^\s*[=+\-@\t\r\n|%＝＋－＠]/u.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csv = (messages: readonly Message[]): string =>
  [COLUMNS.join(","), ...messages.map((message) => COLUMNS.map((column) => cell(message[column])).join(","))].join("\r\n") + "\r\n";

export const ndjson = (messages: readonly Message[]): string => messages.map((message) => `${JSON.stringify(message)}\n`).join("");

// eslint-disable-next-line no-control-regex
const ACTS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A word of a shell, quoted if need be. What a terminal would act on when it is pasted is written as its code. */
export function shell(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (word.search(ACTS) < 0) return `'${word.replaceAll("'", `'\\''`)}'`;
  const code = (character: string): string => {
    const at = character.codePointAt(0) ?? 0;
    return at === 0x0a ? "\\n" : at < 0x80 ? `\\x${at.toString(16).padStart(2, "0")}` : `\\u${at.toString(16).padStart(4, "0")}`;
  };
  return `$'${word.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replace(ACTS, code)}'`;
}

const field = (pdu: Record<string, unknown>, name: string): number => (typeof pdu[name] === "number" ? (pdu[name] as number) : 0);

/** The command that sends the same again: a part goes as a message of its own, octets that are no text go as octets. */
export function command(message: Message & { pdu?: Record<string, unknown> | null }): string {
  const pdu = message.pdu ?? {};
  const coding = field(pdu, "data_coding");
  const octets = (typeof pdu["user_data_after_udh"] === "string" ? pdu["user_data_after_udh"] : pdu["short_message"]) as string | undefined;
  const isBinary = (coding === 2 || coding === 4 || (coding & 0xf4) === 0xf4) && /^([0-9a-f]{2})+$/.test(octets ?? "");
  const text = isBinary ? (octets ?? "") : (message.text ?? "");
  const option = (name: string, value: string): string => `${name}${value.startsWith("-") ? "=" : " "}${value === "" ? "''" : shell(value)}`;
  const words = ["smppkit send", option("--from", message.source_addr), option("--to", message.destination_addr)];
  if (isBinary) words.push("--encoding binary");
  const encoding = ({ 1: "ascii", 3: "latin1", 6: "cyrillic", 7: "hebrew", 8: "ucs2" } as Record<number, string>)[coding];
  if (encoding) words.push(`--encoding ${encoding}`);
  if (isBinary && coding !== 4) words.push(`--field data_coding=${coding}`);
  // One that names a moment may be over by now.
  const validity = String(pdu["validity_period"] ?? "");
  if (/^\d{15}R$/.test(validity)) words.push(`--field validity_period=${validity}`);
  if (field(pdu, "priority_flag")) words.push(`--field priority_flag=${field(pdu, "priority_flag")}`);
  if (text.startsWith("-")) words.push("--");
  return [...words, text === "" ? "''" : shell(text)].join(" ");
}

/** Of a long message in parts: how the parts are told, and which this is. */
export interface Part {
  how: string;
  reference: number;
  total: number;
  number: number;
}

/** Which part a PDU is (3GPP 23.040, 9.2.3.24.1 and .8; SMPP 5.0, 4.8.4.51). */
export function partOf(pdu: Record<string, unknown> | null | undefined): Part | null {
  const udh = Array.isArray(pdu?.["udh"]) ? (pdu["udh"] as { iei?: string; data?: string }[]) : [];
  for (const { iei, data = "" } of udh) {
    const octets = (data.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
    const [one = 0, two = 0, three = 0, four = 0] = octets;
    if (iei === "0x00" && octets.length === 3) return { how: "8-bit UDH", reference: one, total: two, number: three };
    if (iei === "0x08" && octets.length === 4) return { how: "16-bit UDH", reference: one * 256 + two, total: three, number: four };
  }
  const tlvs = Array.isArray(pdu?.["tlvs"]) ? (pdu["tlvs"] as { name?: string; value?: unknown }[]) : [];
  const value = (name: string): number | undefined => tlvs.map((tlv) => (tlv.name === name && typeof tlv.value === "number" ? tlv.value : undefined)).find((found) => found !== undefined);
  const [reference, total, number] = [value("sar_msg_ref_num"), value("sar_total_segments"), value("sar_segment_seqnum")];
  return reference === undefined || total === undefined || number === undefined ? null : { how: "sar_ TLVs", reference, total, number };
}

/** The list as it was left, to go back to. */
export const left = { url: "/messages" };

/** How long a message took, or has taken. */
export const took = (message: Message, now: number): number => Date.parse(message.ended ?? "") - Date.parse(message.accepted) || Math.max(0, now - Date.parse(message.accepted));

/** How long after the first step. */
export const offset = (ms: number): string => `+${Math.abs(ms) < 100_000 ? (ms / 1_000).toFixed(3) : duration(ms)}`;

export interface Step {
  key: string;
  atMs: number;
  title: string;
  who: string;
  colour: string;
  /** Left is its ESME, right the other side; none is our own doing. */
  lane: "left" | "right" | "own";
  direction: "in" | "out" | "own";
  wait?: number;
  /** Its moment is not known. */
  isUndated?: boolean;
  /** An answer to a request. */
  isAnswer?: boolean;
  /** Its PDU in the record. */
  pdu?: number;
}

/** The steps of a message's life, in the order in which they happened. */
export function steps(story: Story): Step[] {
  const outward = story.kind === "message" || story.kind === "broadcast";
  const esme = story.queue.startsWith("esme:") ? story.queue.slice(5) : story.account;
  const peer = story.connector ?? (story.queue.startsWith("esme:") ? "" : story.queue);
  const found: Step[] = [];
  const accepted = Date.parse(story.accepted);
  if (outward) found.push({ key: "accepted", atMs: accepted, title: `${story.kind === "broadcast" ? "broadcast_sm" : "submit_sm"} accepted`, who: story.account, colour: "acc", lane: "left", direction: "in" });
  else if (story.kind === "incoming") found.push({ key: "accepted", atMs: accepted, title: "deliver_sm accepted", who: peer, colour: "acc", lane: "right", direction: "in" });
  else found.push({ key: "accepted", atMs: accepted, title: `Receipt ${story.tells ?? ""} made`, who: story.told ? `of message ${story.told}` : "", colour: "dim", lane: "own", direction: "own" });
  if (outward || story.kind === "incoming") found.push({ key: "stored", atMs: accepted, title: "Stored, answered ESME_ROK", who: `queue ${story.queue}`, colour: "dim", lane: "own", direction: "own" });
  for (const [at, event] of story.events.entries()) {
    const atMs = Date.parse(event.at);
    const key = String(at);
    if (event.event === "sent") {
      found.push({ key, atMs, title: outward ? `submit_sm taken by ${event.connector ?? peer}` : `deliver_sm taken by ${event.connector ?? esme}`, who: event.remote_id ? `its message_id ${event.remote_id}` : "", colour: "ok", lane: outward ? "right" : "left", direction: "out" });
    } else if (event.event === "retry") found.push({ key, atMs, title: "Attempt failed, another follows", who: [event.reason, event.due ? `next at ${event.due.slice(11, 19)}` : "", event.queue].filter(Boolean).join(", "), colour: "warn", lane: "own", direction: "own" });
    else if (event.event === "delay") found.push({ key, atMs, title: "Waits", who: [event.reason, event.due ? `until ${event.due.slice(11, 19)}` : ""].filter(Boolean).join(", "), colour: "wait", lane: "own", direction: "own" });
    else if (event.event === "replay") found.push({ key, atMs, title: "Queued again from the dead letters", who: event.queue ?? "", colour: "acc", lane: "own", direction: "own" });
    else if (event.event === "end") {
      const receipt = outward && (event.state === "delivered" || event.state === "failed");
      found.push({
        key, atMs,
        title: receipt ? `Receipt of ${peer || "the other side"}: ${word(event.state ?? "")}` : outward ? `Ended: ${word(event.state ?? "")}` : event.state === "delivered" ? `deliver_sm taken by ${esme}` : `Ended: ${word(event.state ?? "")}`,
        who: [event.reason, receipt && story.remote_ids.length ? `matched by ${story.remote_ids.join(" or ")}` : ""].filter(Boolean).join(", "),
        colour: look(event.state ?? "").colour,
        lane: receipt ? "right" : outward || event.state !== "delivered" ? "own" : "left",
        direction: receipt ? "in" : outward || event.state !== "delivered" ? "own" : "out",
      });
    } else found.push({ key, atMs, title: event.event, who: event.reason ?? "", colour: "dim", lane: "own", direction: "own" });
  }
  // What a message went through may be folded into its fields by now.
  if (story.events.length === 0 && story.ended) {
    if (story.remote_id && outward) found.push({ key: "taken", atMs: accepted, title: `submit_sm taken by ${peer}`, who: `its message_id ${story.remote_id}`, colour: "ok", lane: "right", direction: "out", isUndated: true });
    found.push({ key: "ended", atMs: Date.parse(story.ended), title: `Ended: ${word(story.state)}`, who: [story.reason, story.remote_ids.length > 0 && outward ? `receipt matched by ${story.remote_ids.join(" or ")}` : ""].filter(Boolean).join(", "), colour: look(story.state).colour, lane: "own", direction: "own" });
  }
  let before = accepted;
  for (const step of found) {
    if (step.atMs - before > 1_000) step.wait = step.atMs - before;
    before = step.atMs;
  }
  return found;
}
