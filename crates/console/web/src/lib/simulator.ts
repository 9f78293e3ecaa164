// The simulator's messages as threads of handsets, and its rules as sentences.

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
export interface Recorded {
  number: number;
  time: string;
  session: number;
  system_id: string | null;
  direction: "in" | "out";
  command: string | null;
  text: string | null;
  summary: string;
  hex: string;
  pdu: Record<string, unknown>;
}

/** One bubble of a thread. */
export interface Bubble {
  key: string;
  /** The handset received it, or sent it. */
  kind: "received" | "sent";
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
}

export interface Thread {
  number: string;
  bubbles: Bubble[];
  lastMs: number;
}

const isReceipt = (pdu: Record<string, unknown>): boolean => (Number(pdu["esm_class"] ?? 0) & 0x3c) !== 0;

/** Messages and what handsets sent, a thread for each handset; the latest first. */
export function threads(messages: readonly Submitted[], fromHandsets: readonly Recorded[]): Thread[] {
  const found = new Map<string, Bubble[]>();
  const add = (number: string, bubble: Bubble): void => {
    const thread = found.get(number);
    if (thread) thread.push(bubble);
    else found.set(number, [bubble]);
  };
  for (const message of messages) {
    add(message.destination_addr, {
      key: `m${message.smsc}/${message.number}`, kind: "received", text: message.text, other: message.source_addr, atMs: Date.parse(message.accepted), state: message.message_state, system_id: message.system_id,
      parts: message.parts, parts_wanted: message.parts_wanted, data_coding: message.data_coding, ids: message.message_ids, error_code: message.error_code,
    });
  }
  for (const recorded of fromHandsets) {
    const { pdu } = recorded;
    if (recorded.direction !== "out" || isReceipt(pdu)) continue;
    add(String(pdu["source_addr"] ?? ""), {
      key: `p${recorded.number}`, kind: "sent", text: recorded.text ?? "", other: String(pdu["destination_addr"] ?? ""), atMs: Date.parse(recorded.time), state: "", system_id: recorded.system_id ?? "",
      parts: 1, parts_wanted: 1, data_coding: Number(pdu["data_coding"] ?? 0), ids: [], error_code: 0,
    });
  }
  return [...found.entries()]
    .map(([number, bubbles]) => ({ number, bubbles: bubbles.sort((one, other) => one.atMs - other.atMs), lastMs: Math.max(...bubbles.map((bubble) => bubble.atMs)) }))
    .sort((one, other) => other.lastMs - one.lastMs);
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
const DEFAULT_ON = ["submit_sm", "data_sm", "submit_multi"];

/** When a rule applies, in words. */
export function condition(rule: Rule): string {
  const on = rule.on && JSON.stringify(rule.on) !== JSON.stringify(DEFAULT_ON) ? rule.on.join(", ") : "a message";
  const when = Object.entries(rule.when ?? {}).map(([field, given]) => `${field} ${value(given)}`);
  const unless = Object.entries(rule.unless ?? {}).map(([field, given]) => `${field} ${value(given)}`);
  const more = [
    rule.share && rule.share !== "100%" ? rule.share : "", rule.every && rule.every > 1 ? `each ${rule.every}th` : "", rule.skip ? `after the first ${rule.skip}` : "",
    rule.times ? `at most ${rule.times} times` : "",
  ].filter(Boolean);
  return [on, when.length ? `with ${when.join(" and ")}` : "", unless.length ? `unless ${unless.join(" and ")}` : "", ...more].filter(Boolean).join(", ").replace(", with", " with");
}

/** What a rule does, in words. */
export function consequence(rule: Rule): string {
  const then = Object.entries(rule.then ?? {}).filter(([, given]) => given !== null && given !== undefined);
  const words: Record<string, (given: unknown) => string> = {
    status: (given) => `answers ${value(given)}`, state: (given) => `ends ${value(given)}`, error_code: (given) => `error ${value(given)}`, answer_after: (given) => `answers after ${value(given)}`,
    delay: (given) => `receipt after ${value(given)}`, answer: (given) => `answer ${value(given)}`, connection: (given) => `then ${value(given)}`, reply: (given) => `replies ${value((given as { text?: string }).text ?? given)}`,
    dialect: (given) => `dialect ${value(given)}`,
  };
  return then.length ? then.map(([name, given]) => words[name]?.(given) ?? `${name} ${value(given)}`).join(", ") : "nothing: the message goes as without a rule";
}

/** Faults that testers switch on and off: rules with a name of their own. */
export const FAULTS: { name: string; label: string; about: string; rule: Rule }[] = [
  { name: "fault: throttled", label: "Throttle", about: "Half of all messages are answered ESME_RTHROTTLED.", rule: { share: "50%", then: { status: "ESME_RTHROTTLED" } } },
  { name: "fault: queue full", label: "Queue full", about: "All messages are answered ESME_RMSGQFUL.", rule: { then: { status: "ESME_RMSGQFUL" } } },
  { name: "fault: system error", label: "System error", about: "A tenth of all messages is answered ESME_RSYSERR.", rule: { share: "10%", then: { status: "ESME_RSYSERR" } } },
  { name: "fault: slow answers", label: "Slow answers", about: "Answers are held back one to five seconds.", rule: { then: { answer_after: "1s..5s" } } },
  { name: "fault: no answer", label: "No answer", about: "A tenth of all messages gets no answer.", rule: { share: "10%", then: { answer: "none" } } },
  { name: "fault: closed", label: "Connection closed", about: "One in fifty messages closes the connection, without an unbind.", rule: { share: "2%", then: { connection: "close" } } },
  { name: "fault: dead line", label: "Dead line", about: "One in a hundred messages leaves the connection open and mute for a minute.", rule: { share: "1%", then: { connection: "hang" } } },
  { name: "fault: undeliverable", label: "Undeliverable", about: "A quarter of all messages ends UNDELIVERABLE.", rule: { share: "25%", then: { state: "UNDELIVERABLE", error_code: 1 } } },
  { name: "fault: late receipts", label: "Late receipts", about: "Receipts come after half a minute to two.", rule: { then: { delay: "30s..2m" } } },
  { name: "fault: binds refused", label: "Binds refused", about: "All binds are answered ESME_RBINDFAIL.", rule: { on: ["bind_transmitter", "bind_receiver", "bind_transceiver"], then: { status: "ESME_RBINDFAIL" } } },
];
