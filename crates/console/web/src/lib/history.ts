// What was changed in accounts, connectors and routes, as the server remembers it.
import { changes, type Change, type Schema, type Schemas, type Settings } from "./schema";

export type Subject = "account" | "connector" | "route" | "mo_route";
export interface Past {
  number: number;
  at: string;
  who: string;
  kind: Subject;
  name: string;
  act: "added" | "changed" | "removed" | "moved";
  before: Settings | null;
  after: Settings | null;
  password_changed: boolean;
  place_before: number | null;
  place_after: number | null;
  left_out: number;
}
export interface Pasts { items: Past[]; next: number | null }

/** What differs, setting by setting; of one that was made or taken away all that it says. */
export const difference = (past: Past, schema: Schema, all: Schemas): Change[] => changes(past.before ?? {}, past.after ?? {}, schema, all);

/** Where a route stands, in words; nothing of what has no place. */
export function places({ act, place_before: from, place_after: to }: Past): string {
  if (act === "added") return to ? `as ${to}` : "";
  if (act === "removed") return from ? `it was ${from}` : "";
  return from && to && from !== to ? `from ${from} to ${to}` : "";
}

/** Those of a list that were not there before, in front of the others, the newest first. */
export function merged(newest: Past[], older: Past[]): Past[] {
  const last = newest.at(-1)?.number ?? Infinity;
  return [...newest, ...older.filter(({ number }) => number < last)];
}
