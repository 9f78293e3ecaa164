// Rates made of counters that are asked for again and again.

interface Track {
  count: number;
  atMs: number;
  rates: (number | null)[];
}

/** Rates of the last so many looks, a counter each. */
export class Rates {
  private readonly tracks = new Map<string, Track>();

  constructor(private readonly length = 60) {}

  /** A counter's count of now; a smaller one than before begins anew. */
  count(key: string, count: number, nowMs: number): void {
    const track = this.tracks.get(key);
    if (!track || count < track.count) {
      this.tracks.set(key, { count, atMs: nowMs, rates: new Array<number | null>(this.length).fill(null) });
      return;
    }
    const seconds = (nowMs - track.atMs) / 1_000;
    if (seconds < 0.2) return;
    track.rates = [...track.rates.slice(1), (count - track.count) / seconds];
    track.count = count;
    track.atMs = nowMs;
  }

  /** The last rate; nothing before there were two looks. */
  now(key: string): number | null {
    return this.tracks.get(key)?.rates.at(-1) ?? null;
  }

  history(key: string): readonly (number | null)[] {
    return this.tracks.get(key)?.rates ?? [];
  }

  /** Forgets what is not there any more. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.tracks.keys()) if (!keys.has(key)) this.tracks.delete(key);
  }
}
