// Rates a second, made from counters that are asked for again and again.
export class Rates {
  #last: { at: number; counts: Record<string, Record<string, number>> } | null = null;
  /** By name and counter. */
  now = $state.raw<Record<string, Record<string, number>>>({});
  /** The latest of them, the oldest first. */
  past = $state.raw<Record<string, Record<string, number>[]>>({});

  take(list: { name: string; counts: Record<string, number> }[], at = performance.now()): void {
    const counts = Object.fromEntries(list.map((each) => [each.name, { ...each.counts }]));
    const last = this.#last;
    this.#last = { at, counts };
    if (!last || at - last.at < 500) return;
    const seconds = (at - last.at) / 1_000;
    const now: Record<string, Record<string, number>> = {};
    for (const [name, own] of Object.entries(counts)) {
      const before = last.counts[name];
      // A counter that went back began anew.
      if (before) now[name] = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, Math.max(0, value - (before[key] ?? 0)) / seconds]));
    }
    this.now = now;
    this.past = Object.fromEntries(Object.entries(now).map(([name, own]) => [name, [...(this.past[name] ?? []).slice(-59), own]]));
  }
}
