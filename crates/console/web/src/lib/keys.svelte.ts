// Keys: pages say what theirs do, the foot and the help dialog show it.

import { untrack } from "svelte";

export interface Key {
  /** As `KeyboardEvent.key`; `Shift X` or `Ctrl Enter` with what is held. */
  key: string;
  does: string;
  /** Not in the foot. */
  quiet?: boolean;
  /** Whether it is meant now; always, without. */
  here?: () => boolean;
  run: (event: KeyboardEvent) => void;
}

let sets = $state.raw<Key[][]>([]);
export const keysOn = $state({ single: localStorage.getItem("single-keys") !== "off" });

/** The keys of the page that is shown, the latest first. */
export const keys = (): Key[] => sets.flat();

/** Has these keys while a component lives. Call it while it is made. */
export function useKeys(own: Key[]): void {
  $effect(() => {
    untrack(() => (sets = [own, ...sets]));
    return () => {
      sets = sets.filter((other) => other !== own);
    };
  });
}

const isInput = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

addEventListener("keydown", (event) => {
  const single = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.defaultPrevented || (single && (isInput(event.target) ? event.key !== "Escape" : !keysOn.single))) return;
  // A dialog has its own, and closes itself on Escape.
  if (document.querySelector("dialog[open]")) return;
  // A button takes its own keys.
  if (single && (event.key === "Enter" || event.key === " ") && event.target instanceof HTMLElement && event.target.closest("button, a, summary")) return;
  const held = `${event.ctrlKey || event.metaKey ? "Ctrl " : ""}${event.altKey ? "Alt " : ""}`;
  const names = [held + event.key, `${held}${event.shiftKey ? "Shift " : ""}${event.key}`];
  const found = keys().find((key) => (key.here?.() ?? true) && names.some((name) => name.toLowerCase() === key.key.toLowerCase() && (key.key.length > 1 || name === key.key)));
  if (found) {
    event.preventDefault();
    found.run(event);
  }
});
