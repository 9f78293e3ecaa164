// What pages put into the frame around them.
import { untrack, type Snippet } from "svelte";

/** The title of the page, where it belongs, and its actions at the right. */
export const heading = $state<{ title: string; crumb: { label: string; to: string } | null; actions: Snippet | null }>({ title: "", crumb: null, actions: null });

/** Has these actions in the top bar while a component lives. Call it while it is made. */
export function useActions(actions: () => Snippet): void {
  $effect(() => {
    const mine = actions();
    untrack(() => (heading.actions = mine));
    return () => {
      if (untrack(() => heading.actions) === mine) heading.actions = null;
    };
  });
}

/** What stands beside a page's name in the rail. */
export const badges = $state<Record<string, { text: string; bad: boolean } | undefined>>({});

/** The badge of the faults that simulators have switched on; none for none, so that nobody forgets one. */
export function faultsOf(smscs: readonly { faults?: number }[]): { text: string; bad: boolean } | undefined {
  const on = smscs.reduce((sum, { faults }) => sum + (faults ?? 0), 0);
  return on ? { text: `${on} fault${on === 1 ? "" : "s"}`, bad: true } : undefined;
}
