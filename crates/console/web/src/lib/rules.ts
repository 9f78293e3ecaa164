// Ordered rules: what they say in words, and what a new order changes.
import { changes, shown, type Change, type Schema, type Schemas, type Settings } from "./schema";

export type Rule = Settings;
/** A rule while it is edited: where it was, if it was. */
export interface Placed {
  id: number;
  was: number | null;
  rule: Rule;
}

/** Settings of a rule that say what becomes of a message; the others are conditions. */
export const OUTCOME = ["name", "enabled", "to", "refuse", "strategy", "sticky_by", "up_only", "spill"];

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0) && !(typeof value === "object" && !Array.isArray(value) && Object.keys(value as object).length === 0);

/** The conditions that a rule has. */
export const conditions = (rule: Rule): [string, unknown][] => Object.entries(rule).filter(([key, value]) => !OUTCOME.includes(key) && isGiven(value));

export const nameOf = (rule: Rule, at: number): string => (typeof rule.name === "string" && rule.name !== "" ? rule.name : `route ${at + 1}`);

export const targetsOf = (rule: Rule): { name: string; weight?: number; cost?: number }[] =>
  (Array.isArray(rule.to) ? rule.to : isGiven(rule.to) ? [rule.to] : []).map((target: unknown) => (typeof target === "string" ? { name: target } : (target as { name: string })));

/** A condition in words. */
export const says = (field: string, value: unknown): string => `${field} ${value === true ? "yes" : value === false ? "no" : shown(value)}`;

export interface Moves {
  added: { at: number; rule: Rule }[];
  removed: { was: number; rule: Rule }[];
  moved: { was: number; at: number; rule: Rule }[];
  changed: { at: number; rule: Rule; changes: Change[] }[];
}

/** What differs between rules as they are and as they were. */
export function moves(base: Rule[], now: Placed[], schema: Schema, all: Schemas): Moves {
  const kept = now.map((placed, at) => ({ ...placed, at })).filter((placed): placed is Placed & { was: number; at: number } => placed.was !== null);
  const there = new Set(kept.map(({ was }) => was));
  // Those of the longest run that keeps its order have not moved.
  const best: number[] = [];
  const before: number[] = [];
  kept.forEach(({ was }, which) => {
    best[which] = 1;
    before[which] = -1;
    for (let other = 0; other < which; other += 1)
      if ((kept[other]?.was ?? 0) < was && (best[other] ?? 0) + 1 > (best[which] ?? 0)) {
        best[which] = (best[other] ?? 0) + 1;
        before[which] = other;
      }
  });
  const still = new Set<number>();
  for (let which = best.indexOf(Math.max(0, ...best)); which >= 0; which = before[which] ?? -1) still.add(which);
  return {
    added: now.map((placed, at) => ({ at, rule: placed.rule, was: placed.was })).filter(({ was }) => was === null).map(({ at, rule }) => ({ at, rule })),
    removed: base.map((rule, was) => ({ was, rule })).filter(({ was }) => !there.has(was)),
    moved: kept.filter((_, which) => !still.has(which)).map(({ was, at, rule }) => ({ was, at, rule })),
    changed: kept.map(({ was, at, rule }) => ({ at, rule, changes: changes(base[was] ?? {}, rule, schema, all) })).filter((each) => each.changes.length > 0),
  };
}

export const count = ({ added, removed, moved, changed }: Moves): number => added.length + removed.length + moved.length + changed.length;

/** The rule that a problem is about, from 0: `route "x": …`, `route "route 2" …`, `[1].hours`. */
export function ruleOf(detail: string, field: unknown, rules: Rule[]): number | null {
  if (typeof field === "string") {
    const at = /^\[(\d+)\]/.exec(field)?.[1];
    if (at !== undefined) return Number(at);
  }
  const name = /route "([^"]*)"/.exec(detail)?.[1];
  if (name === undefined) return null;
  const at = rules.findIndex((rule, place) => nameOf(rule, place) === name);
  return at < 0 ? null : at;
}
