// Messages of the gateway: their shapes, the filter's words, exports.
import type { Parsed } from "./filter";

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
export const FIELDS = ["account", "source", "dest", "state", "id", "kind", "connector", "text", "attempts"];

/** What the server looks for itself: exact values of these. */
const server: Record<string, string> = { account: "account", source: "source_addr", dest: "destination_addr", state: "state" };

export function asked({ terms }: Parsed): Record<string, string> {
  const made: Record<string, string> = {};
  for (const { field, op, value } of terms) {
    const name = server[field];
    if (name && op === ":" && !/[*,]/.test(value)) made[name] = field === "dest" || field === "source" ? value.replace(/^\+/, "") : value.toLowerCase();
  }
  return made;
}

const own = (message: Message, field: string): string => {
  switch (field) {
    case "account": return message.account;
    case "source": return message.source_addr;
    case "dest": return message.destination_addr;
    case "state": return message.state;
    case "id": return message.message_id;
    case "kind": return message.kind ?? "";
    case "connector": return message.connector ?? message.queue;
    case "text": return message.text ?? "";
    case "attempts": return String(message.attempts);
    default: return [message.message_id, message.source_addr, message.destination_addr, message.account, message.text ?? "", message.remote_id ?? "", message.reason ?? ""].join(" ");
  }
};

/** Whether a message is what the filter asks for: `*` stands for any text, a comma for or. */
export function holds(message: Message, { terms }: Parsed): boolean {
  return terms.every(({ field, op, value }) => {
    const there = own(message, field).toLowerCase();
    if (op === ">") return Number(there) > Number(value);
    if (op === "<") return Number(there) < Number(value);
    if (op === "~") {
      try {
        return new RegExp(value, "iu").test(there);
      } catch {
        return false;
      }
    }
    const found = value.toLowerCase().split(",").some((part) => {
      const wanted = field === "dest" || field === "source" ? part.replace(/^\+/, "") : part;
      if (field === "" || field === "text") return there.includes(wanted.replaceAll("*", ""));
      if (!wanted.includes("*")) return there === wanted;
      const pieces = wanted.split("*");
      let at = 0;
      return pieces.every((piece, place) => {
        const next = place === pieces.length - 1 && piece !== "" ? there.length - piece.length : there.indexOf(piece, at);
        const good = next >= at && there.startsWith(piece, next) && (place > 0 || next === 0);
        at = next + piece.length;
        return good;
      });
    });
    return op === "!=" ? !found : found;
  });
}

const COLUMNS = ["accepted", "message_id", "kind", "account", "source_addr", "destination_addr", "text", "state", "ended", "attempts", "connector", "remote_id", "reason"] as const;

/** A cell that no spreadsheet takes for a formula. */
export function cell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r|%]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csv = (messages: readonly Message[]): string =>
  [COLUMNS.join(","), ...messages.map((message) => COLUMNS.map((column) => cell(message[column])).join(","))].join("\r\n") + "\r\n";

export const ndjson = (messages: readonly Message[]): string => messages.map((message) => `${JSON.stringify(message)}\n`).join("");

/** A word of a shell, quoted if need be. */
export const shell = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The command that sends the same again. */
export const command = (message: Message): string => `smppkit send --from ${shell(message.source_addr)} --to ${shell(message.destination_addr)} ${message.text?.startsWith("-") ? "-- " : ""}${shell(message.text ?? "")}`;

/** How long a message took, or has taken. */
export const took = (message: Message, now: number): number => Date.parse(message.ended ?? "") - Date.parse(message.accepted) || Math.max(0, now - Date.parse(message.accepted));

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
  else found.push({ key: "accepted", atMs: accepted, title: `receipt ${story.tells ?? ""} made`, who: story.told ? `of message ${story.told}` : "", colour: "dim", lane: "own", direction: "own" });
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
        title: receipt ? `Receipt of ${peer || "the other side"}: ${event.state}` : outward ? `Ended: ${event.state ?? ""}` : event.state === "delivered" ? `deliver_sm taken by ${esme}` : `Ended: ${event.state ?? ""}`,
        who: [event.reason, receipt && story.remote_ids.length ? `matched by ${story.remote_ids.join(" or ")}` : ""].filter(Boolean).join(", "),
        colour: event.state === "delivered" ? "ok" : event.state === "failed" ? "bad" : event.state === "expired" ? "warn" : "dim",
        lane: receipt ? "right" : outward || event.state !== "delivered" ? "own" : "left",
        direction: receipt ? "in" : outward || event.state !== "delivered" ? "own" : "out",
      });
    } else found.push({ key, atMs, title: event.event, who: event.reason ?? "", colour: "dim", lane: "own", direction: "own" });
  }
  // What a message went through may be folded into its fields by now.
  if (story.events.length === 0 && story.ended) {
    if (story.remote_id && outward) found.push({ key: "taken", atMs: accepted, title: `submit_sm taken by ${peer}`, who: `its message_id ${story.remote_id}; when is not kept after a minute`, colour: "ok", lane: "right", direction: "out" });
    found.push({ key: "ended", atMs: Date.parse(story.ended), title: `Ended: ${story.state}`, who: [story.reason, story.remote_ids.length > 0 && outward ? `receipt matched by ${story.remote_ids.join(" or ")}` : ""].filter(Boolean).join(", "), colour: story.state === "delivered" ? "ok" : story.state === "failed" ? "bad" : "warn", lane: "own", direction: "own" });
  }
  let before = accepted;
  for (const step of found) {
    if (step.atMs - before > 1_000) step.wait = step.atMs - before;
    before = step.atMs;
  }
  return found;
}
