// Broadcasts as the record tells them: what was asked, and what answers and queries said since.
import { tlvOf, tlvsOf, type Exchange } from "./simulator";

export interface Area {
  name: string;
  form: string;
  /** Percent of it that was reached, once a query_broadcast_sm_resp said so. */
  success: number | null;
}

export interface Broadcast {
  pdu: number;
  atMs: number;
  system_id: string;
  source_addr: string;
  text: string;
  /** command_status of the answer; empty while there is none. */
  status: string;
  message_id: string;
  areas: Area[];
  repeats: number;
  interval: string;
  /** As the last query was told; empty before one. */
  state: string;
  cancelled: boolean;
  /** When it ended or will, if the server said so; null if it goes on until it is cancelled. */
  ends?: string | null;
  starts?: string;
}

/** What the server says of a broadcast. */
export interface Told {
  message_id: string;
  message_state: string;
  starts: string;
  ends: string | null;
  areas: { identifier: string; success: number }[];
}

/** Broadcasts with what the server says now in place of what was asked last. Of those with the same id the newest is meant: it replaced the others. */
export function withTold(all: readonly Broadcast[], told: readonly Told[]): Broadcast[] {
  const left = new Map(told.map((each) => [each.message_id, each]));
  return all.map((one) => {
    const now = left.get(one.message_id);
    if (!now || !one.message_id) return one;
    left.delete(one.message_id);
    return { ...one, state: now.message_state, cancelled: now.message_state === "DELETED", starts: now.starts, ends: now.ends, areas: now.areas.map(({ identifier, success }) => ({ ...areaOf(identifier), success })) };
  });
}

export const count = (many: number, what: string): string => `${many.toLocaleString("en-GB")} ${what}${many === 1 ? "" : "s"}`;

const FORMS = ["alias", "ellipsoid arc", "polygon"];
const STATES = ["SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED", "SKIPPED"];
const UNITS: Record<number, string> = { 0x08: "s", 0x09: "min", 0x0a: "h", 0x0b: "d", 0x0c: "weeks", 0x0d: "months", 0x0e: "years" };
const octetsOf = (hex: string): number[] => (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));

/** broadcast_area_identifier (SMPP 5.0, 4.8.4.4): a form, and what stands there. */
export function areaOf(hex: string): { name: string; form: string } {
  const [form = -1, ...rest] = octetsOf(hex);
  const text = String.fromCharCode(...rest);
  return { form: FORMS[form] ?? `form 0x${Math.max(0, form).toString(16).padStart(2, "0")}`, name: rest.length > 0 && /^[\x20-\x7e]+$/.test(text) ? text : hex.slice(2) };
}

/** broadcast_frequency_interval (4.8.4.9): a unit, and how many of it. */
export function intervalOf(hex: string): string {
  const [unit = 0, high = 0, low = 0] = octetsOf(hex);
  if (unit === 0) return hex.length === 6 ? "as often as possible" : "";
  return UNITS[unit] ? `every ${high * 256 + low} ${UNITS[unit]}` : "";
}

export function broadcastsOf(exchanges: readonly Exchange[]): Broadcast[] {
  const made: Broadcast[] = [];
  const byId = new Map<string, Broadcast>();
  for (const { request, answer } of exchanges) {
    const { pdu, command } = request;
    const good = answer?.command_status === "ESME_ROK";
    if (command === "broadcast_sm") {
      const one: Broadcast = {
        pdu: request.number, atMs: Date.parse(request.time), system_id: request.system_id ?? "", source_addr: String(pdu["source_addr"] ?? ""), text: request.text ?? "", status: answer?.command_status ?? "",
        message_id: good ? String(answer.pdu["message_id"] ?? "") : "", areas: tlvsOf(pdu).filter(({ name }) => name === "broadcast_area_identifier").map(({ hex }) => ({ ...areaOf(hex ?? ""), success: null })),
        repeats: Number(tlvOf(pdu, "broadcast_rep_num")?.value ?? 0), interval: intervalOf(tlvOf(pdu, "broadcast_frequency_interval")?.hex ?? ""), state: "", cancelled: false,
      };
      made.push(one);
      if (one.message_id) byId.set(one.message_id, one);
    } else if (command === "cancel_broadcast_sm" && good) {
      const one = byId.get(String(pdu["message_id"] ?? ""));
      if (one) one.cancelled = true;
    } else if (command === "query_broadcast_sm" && good) {
      const one = byId.get(String(answer.pdu["message_id"] ?? pdu["message_id"] ?? ""));
      if (!one) continue;
      one.state = STATES[Number(tlvOf(answer.pdu, "message_state")?.value ?? -1)] ?? one.state;
      const told = tlvsOf(answer.pdu);
      const areas = told.filter(({ name }) => name === "broadcast_area_identifier");
      const successes = told.filter(({ name }) => name === "broadcast_area_success");
      for (const area of one.areas) {
        const at = areas.findIndex(({ hex }) => areaOf(hex ?? "").name === area.name);
        const percent = at < 0 ? undefined : successes[at]?.value;
        // 255 is unknown.
        if (typeof percent === "number" && percent <= 100) area.success = percent;
      }
    }
  }
  return made.reverse();
}
