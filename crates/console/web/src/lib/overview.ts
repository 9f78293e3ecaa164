// What the first page says: one sentence, alarms, and the path that messages take.
import { duration, number } from "./format";
import type { Connector } from "./sessions";

export interface Series {
  step_ms: number;
  start_ms: number;
  keys: { key: string; label: string; unit: string; kind: "rate" | "level" }[];
  series: Record<string, (number | null)[]>;
}

export interface Status {
  started: string;
  uptime_seconds: number;
  takes_messages: boolean;
  trouble: string | null;
  messages: { accepted: number; open: number; delivered: number; failed: number; expired: number; cancelled: number; orphans: number; is_conserved: boolean };
  closed: { connector: string; opens: string | null }[];
  queues: { queue: string; waiting: number }[];
  messages_in_memory: number;
  changes_waiting: number;
  sessions: { accounts: number; connectors: number };
}

export interface Lead {
  tone: "ok" | "warn" | "bad";
  sentence: string;
  detail: string;
  action: { label: string; to: string } | null;
}

const list = (names: readonly string[]): string => (names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", "));

/** How a gateway is, as a person would say it. */
export function lead(status: Status, connectors: readonly Connector[], perSecond: number | null): Lead {
  const down = connectors.filter((each) => each.binds === 0 && each.state !== "drained" && each.state !== "closed");
  const waiting = status.queues.reduce((sum, each) => sum + each.waiting, 0);
  const since = `${status.messages.is_conserved ? "Every accepted message is accounted for" : "The sum of messages is wrong"} since the store began; up ${duration(status.uptime_seconds * 1_000).replace(/\.\d+ s$/, " s")}.`;
  const waits = waiting > 0 ? ` ${number(waiting)} ${waiting === 1 ? "message waits" : "messages wait"}.` : " Nothing waits.";
  if (!status.takes_messages) return { tone: "bad", sentence: "No messages are taken.", detail: `${status.trouble ?? ""} ${since}`.trim(), action: null };
  if (!status.messages.is_conserved) return { tone: "bad", sentence: "The store's sum is wrong.", detail: since, action: null };
  const flows = connectors.length === 0 ? "There is no connector yet." : down.length === connectors.length ? "Nothing leaves." : (perSecond ?? 0) > 0 ? "Traffic flows." : "All is quiet.";
  if (down.length > 0) {
    const one = down.length === 1;
    return {
      tone: down.length === connectors.length ? "bad" : "warn",
      sentence: `${flows} ${one ? "One connector is" : `${down.length} connectors are`} down: ${list(down.map((each) => each.name))}.`,
      detail: since + waits,
      action: one && down[0] ? { label: `Open ${down[0].name}`, to: `/connectors/${encodeURIComponent(down[0].name)}` } : { label: "Open connectors", to: "/connectors" },
    };
  }
  return { tone: "ok", sentence: connectors.length === 0 ? flows : `${flows} All connectors are up.`, detail: since + waits, action: connectors.length === 0 ? { label: "Make a connector", to: "/connectors" } : null };
}

export interface Alarm {
  key: string;
  state: string;
  title: string;
  text: string;
  to: string;
}

/** What needs a person now. */
export function alarms(status: Status, connectors: readonly Connector[], receipts: { unknown: number }): Alarm[] {
  const found: Alarm[] = [];
  if (!status.takes_messages) found.push({ key: "store", state: "CLOSED", title: "Messages are refused", text: status.trouble ?? "", to: "/" });
  for (const each of connectors) {
    const to = `/connectors/${encodeURIComponent(each.name)}`;
    const waits = each.waiting ? `${number(each.waiting)} messages wait for it.` : "Nothing waits for it.";
    if (each.state === "closed") found.push({ key: each.name, state: "UNBOUND", title: `${each.name} is outside its hours`, text: waits, to });
    else if (each.state === "drained") found.push({ key: each.name, state: "DRAINING", title: `${each.name} is drained`, text: `Nothing new is sent there. ${waits}`, to });
    else if (each.binds === 0) found.push({ key: each.name, state: "CLOSED", title: `${each.name} is down`, text: `No session at ${each.address}. ${waits}`, to });
    else if (each.binds < each.binds_wanted) found.push({ key: each.name, state: "RETRYING", title: `${each.name} has ${each.binds} of ${each.binds_wanted} binds`, text: waits, to });
  }
  if (receipts.unknown > 0) found.push({ key: "receipts", state: "UNKNOWN", title: `${number(receipts.unknown)} receipts of unknown ids`, text: "They are kept: the connector's form of ids may be another one.", to: "/connectors" });
  return found;
}

/** An alarm of the last hour. */
export interface Past {
  key: string;
  title: string;
  began_ms: number;
  ended_ms: number | null;
}

/** How long it stood. */
export const lasted = ({ began_ms, ended_ms }: Past): string => duration(Math.max(1_000, (ended_ms ?? began_ms) - began_ms)).replace(/\.\d+ s$/, " s");

const DAY_MS = 86_400_000;
/** What is compared is the mean of some minutes. */
const POINTS = 5;

/** How much it was at this time of the day before; nothing if the series does not reach so far. */
export function agoOfDay({ series, start_ms, step_ms }: Series, key: string, now = Date.now()): number | null {
  const line = series[key] ?? [];
  const first = Math.max(0, Math.round((now - DAY_MS - start_ms) / step_ms));
  const values = line.slice(first, first + POINTS).filter((value) => value !== null);
  return values.length < POINTS ? null : values.reduce((sum, value) => sum + value, 0) / POINTS;
}
