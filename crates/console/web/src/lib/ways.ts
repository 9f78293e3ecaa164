// The way of a message by the rules, as the server explains it, and what a change makes of it.
import type { Placed } from "./rules";

export interface Seen { name: string; verdict: "matched" | "no_match" | "disabled" | "not_reached"; field?: string; wanted?: string; found?: string }
export interface TargetSeen { name: string; standing: string; place?: number; why: string }
export interface Decision { decision: "send" | "refuse" | "no_rule" | "no_target"; rule?: number; name?: string; target?: string; then?: string[]; status?: string }
export interface Explained {
  source: "allowed" | "rewritten" | "refused";
  explanation: { rules: Seen[]; strategy?: string; targets: TargetSeen[]; decision: Decision } | null;
  to: string | null;
  pdu: Record<string, unknown> | null;
  parts: number;
  words: string;
  /** Beside an answer to a draft: as it is now. */
  before?: Explained | null;
}

/** What differs between two ways: in words, and the steps of each, as `stepOf` names them. */
export interface Turn {
  isSame: boolean;
  words: string;
  before: Set<string>;
  after: Set<string>;
}

/** The name of a step in a picture: a rule by its place, a target by its name, and what is there once. */
export const stepOf = (kind: "rule" | "target" | "source" | "end", which: string | number = ""): string => `${kind} ${which}`;

/** Where each rule of a draft stands now; nothing if it is new. Rules of the file stand behind all that were made. */
export function stood(placed: Placed[], made: number, fromFile: number): (number | null)[] {
  return [...placed.map(({ was }) => was), ...Array.from({ length: fromFile }, (_, at) => made + at)];
}

const list = (names: string[]): string => (names.length ? names.join(", ") : "nothing");

function end({ source, explanation }: Explained, incoming: boolean): string {
  const decision = explanation?.decision;
  if (source === "refused" || !decision) return "is refused with ESME_RINVSRCADR, as its source address is not allowed";
  if (decision.decision === "send") return `goes by ${decision.name ?? ""} to ${decision.target ?? ""}`;
  if (decision.decision === "refuse") return `is refused by ${decision.name ?? ""} with ${decision.status ?? ""}`;
  if (decision.decision === "no_target") return `goes nowhere, as no target of ${decision.name ?? ""} exists`;
  return incoming ? "is not taken, as no rule is for it" : "is refused with ESME_RINVDSTADR, as no rule is for it";
}

/** What a change makes of the way of a message. `was` says where each rule stands now. */
export function turn(before: Explained, after: Explained, was: (number | null)[], incoming: boolean): Turn {
  const [old, now] = [before.explanation?.decision, after.explanation?.decision];
  const oldRule = old?.rule ?? null;
  const nowRule = now?.rule === undefined ? null : (was[now.rule] ?? -1);
  const isRule = oldRule === nowRule;
  const isEnd = before.source === after.source && old?.decision === now?.decision && old?.target === now?.target && old?.status === now?.status;
  const isThen = list(old?.then ?? []) === list(now?.then ?? []);
  const marks = { before: new Set<string>(), after: new Set<string>() };
  if (isRule && isEnd && isThen) return { isSame: true, words: `Nothing changes for this message: it ${end(after, incoming)}.`, ...marks };

  if (before.source !== after.source) {
    marks.before.add(stepOf("source"));
    marks.after.add(stepOf("source"));
  }
  if (!isRule) {
    if (old?.rule !== undefined) {
      marks.before.add(stepOf("rule", old.rule));
      // Where it does not hold any more, if it is asked at all.
      const still = was.indexOf(old.rule);
      if (still >= 0 && after.explanation?.rules[still]?.verdict !== "not_reached") marks.after.add(stepOf("rule", still));
    }
    if (now?.rule !== undefined) marks.after.add(stepOf("rule", now.rule));
  }
  if (!isEnd) {
    marks.before.add(old?.decision === "send" ? stepOf("target", old.target) : stepOf("end"));
    marks.after.add(now?.decision === "send" ? stepOf("target", now.target) : stepOf("end"));
  } else if (!isThen) {
    for (const [own, other, which] of [[old, now, marks.before], [now, old, marks.after]] as const)
      (own?.then ?? []).forEach((name, at) => { if (other?.then?.[at] !== name) which.add(stepOf("target", name)); });
  }

  let words = `With this change this message ${end(after, incoming)}; now it ${end(before, incoming)}.`;
  if (old?.decision === "send" && now?.decision === "send" && before.source === after.source) {
    const [rule, target] = [now.name ?? "", now.target ?? ""];
    if (isRule && isEnd) words = `With this change this message still goes by ${rule} to ${target}, and falls back to ${list(now.then ?? [])} instead of ${list(old.then ?? [])}.`;
    else if (isRule) words = `With this change this message goes to ${target} instead of ${old.target ?? ""}, by ${rule} as before.`;
    else if (isEnd) words = `With this change this message goes by ${rule} instead of ${old.name ?? ""}, to ${target} as before.`;
    else words = `With this change this message goes by ${rule} to ${target} instead of by ${old.name ?? ""} to ${old.target ?? ""}.`;
  }
  return { isSame: false, words, ...marks };
}
