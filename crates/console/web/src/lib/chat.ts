// PDUs of a session as messages: what was sent with what became of it, and what came.

export interface LogRow {
  number: number;
  time_ms: number;
  session: number;
  system_id: string;
  peer: string;
  direction: "in" | "out";
  command: string | null;
  command_id: number | null;
  sequence_number: number | null;
  command_status: string | null;
  command_status_code: number | null;
  octets: number;
  summary: string;
  hex: string;
  text: string | null;
  answered_us?: number;
  /** Which of the two sessions, from 1. */
  lane: number;
  /** Its place in the log. */
  key: string;
}

export interface Said {
  key: string;
  lane: number;
  time_ms: number;
  direction: "in" | "out";
  from: string;
  to: string;
  text: string;
  sequence: number | null;
  id: string;
  /** The command_status of the answer; empty while there is none. */
  status: string;
  /** The state in its receipt. */
  state: string;
}

const octet = (hex: string, at: number): number => parseInt(hex.slice(at * 2, at * 2 + 2), 16) || 0;

/** A C-Octet String and where it ends. */
function cstr(hex: string, at: number): [string, number] {
  let text = "";
  let end = at;
  for (; end * 2 < hex.length && octet(hex, end) !== 0; end += 1) text += String.fromCharCode(octet(hex, end));
  return [text, end + 1];
}

/** The addresses and the kind of a submit_sm, data_sm or deliver_sm. */
export function envelope(hex: string): { from: string; to: string; isReceipt: boolean } {
  const [, type] = cstr(hex, 16);
  const [from, source] = cstr(hex, type + 2);
  const [to, esm] = cstr(hex, source + 2);
  return { from, to, isReceipt: (octet(hex, esm) & 0x3c) === 0x04 };
}

const STATES = ["SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED", "SKIPPED"];
const WORDS: Record<string, string> = { DELIVRD: "DELIVERED", UNDELIV: "UNDELIVERABLE", REJECTD: "REJECTED", ACCEPTD: "ACCEPTED", EXPIRED: "EXPIRED", DELETED: "DELETED", UNKNOWN: "UNKNOWN", ENROUTE: "ENROUTE" };

/** Of a receipt: which message, and what became of it. */
export function receipt(row: Pick<LogRow, "hex" | "text">): { id: string; state: string } {
  const text = row.text ?? "";
  let id = /(?:^|\s)id:(\S+)/i.exec(text)?.[1] ?? "";
  const word = /stat:(\w+)/i.exec(text)?.[1]?.toUpperCase() ?? "";
  let state = WORDS[word] ?? word;
  const tlv = /001e00([0-9a-f]{2})((?:[0-9a-f]{2})*)/.exec(row.hex.slice(32));
  if (id === "" && tlv) id = cstr((tlv[2] ?? "").slice(0, parseInt(tlv[1] ?? "0", 16) * 2), 0)[0];
  const told = /04270001([0-9a-f]{2})/.exec(row.hex.slice(32));
  if (state === "" && told) state = STATES[parseInt(told[1] ?? "", 16)] ?? "";
  return { id, state };
}

/** Keeps the conversation while PDUs come. */
export class Chat {
  readonly said: Said[] = [];
  constructor(private readonly limit = 500) {}

  /** Whether something changed. */
  take(row: LogRow): boolean {
    const { hex } = row;
    if (row.command === "submit_sm" || row.command === "data_sm" || row.command === "deliver_sm") {
      const { from, to, isReceipt } = envelope(hex);
      if (row.direction === "in" && isReceipt) {
        const { id, state } = receipt(row);
        const of = this.said.findLast((each) => each.direction === "out" && each.lane === row.lane && each.id !== "" && each.id === id);
        if (of) of.state = state;
        return of !== undefined;
      }
      this.said.push({ key: row.key, lane: row.lane, time_ms: row.time_ms, direction: row.direction, from, to, text: row.text ?? "", sequence: row.sequence_number, id: "", status: "", state: "" });
      if (this.said.length > this.limit) this.said.shift();
      return true;
    }
    const answered = row.direction === "in" && (row.command === "submit_sm_resp" || row.command === "data_sm_resp" || row.command === "generic_nack");
    if (!answered) return false;
    const of = this.said.findLast((each) => each.direction === "out" && each.lane === row.lane && each.sequence === row.sequence_number && each.status === "");
    if (!of) return false;
    of.status = row.command_status ?? "";
    of.id = hex.length > 32 && row.command !== "generic_nack" ? cstr(hex, 16)[0] : "";
    return true;
  }
}
