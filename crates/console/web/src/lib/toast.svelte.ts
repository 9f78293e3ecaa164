// One line at the bottom right for what the page does not show by itself.

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { label: string; run: () => void };
}

export const toasts = $state<{ list: Toast[] }>({ list: [] });
let next = 1;

export function toast(text: string, options: { bad?: boolean; action?: Toast["action"] } = {}): void {
  const made: Toast = { id: next++, text, bad: options.bad ?? false, ...(options.action ? { action: options.action } : {}) };
  toasts.list = [...toasts.list.slice(-3), made];
  // Errors stay until somebody has read them.
  if (!made.bad) setTimeout(() => close(made.id), 6_000);
}

export function close(id: number): void {
  toasts.list = toasts.list.filter((entry) => entry.id !== id);
}

/** Does something, and says what went wrong. Whether it went well. */
export async function tried(work: () => Promise<unknown>, said?: string): Promise<boolean> {
  try {
    await work();
    if (said) toast(said);
    return true;
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), { bad: true });
    return false;
  }
}

export async function copy(text: string, what = "Copied"): Promise<void> {
  await tried(() => navigator.clipboard.writeText(text), what);
}
