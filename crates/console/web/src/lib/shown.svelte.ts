// One recorded PDU, taken apart by the server.
import { api } from "./api";
import type { Shown } from "./pdu";

/** Follows the number of a PDU, empty for none, while a component lives. Call it while it is made. */
export function shownOf(number: () => string): { readonly shown: Shown | null; readonly why: string } {
  let shown = $state.raw<Shown | null>(null);
  let why = $state("");
  $effect(() => {
    const asked = number();
    shown = null;
    why = "";
    if (!asked) return;
    let over = false;
    api<{ shown: Shown }>(`/api/v1/pdus/${encodeURIComponent(asked)}`).then(
      (answer) => {
        if (!over) shown = answer.shown;
      },
      (error: unknown) => {
        if (!over) why = error instanceof Error ? error.message : String(error);
      },
    );
    return () => (over = true);
  });
  return {
    get shown() {
      return shown;
    },
    get why() {
      return why;
    },
  };
}
