// What somebody began to change and has not saved: it stays while one looks at other pages. Gone with the tab, as it may
// hold passwords.
import type { Placed, Rule } from "./rules";
import type { Settings } from "./schema";

export interface Draft {
  /** As it was when it was begun; nothing if it is to be made. */
  base: Settings | null;
  /** The revision that it is meant for. */
  revision: string | null;
  settings: Settings;
  /** What somebody else made of it meanwhile. */
  theirs: Settings | null;
}

export const drafts = $state<Record<string, Draft | undefined>>({});

/** Rules that are edited. */
export interface RulesDraft {
  base: Rule[];
  revision: string | null;
  rules: Placed[];
  theirs: Rule[] | null;
}

export const ruleDrafts = $state<Record<string, RulesDraft | undefined>>({});
