// A list that grows in front while it is read: rows change in place, and a view that stands still does so.
import type { Message } from "./messages";
import type { Source } from "./ring";

/** The order of ids, which are numbers too large for a double. */
export const compare = (one: string, other: string): number => one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);

/** The cursor that begins with this message. */
export const from = (id: string): string => String(BigInt(id) + 1n);

/**
 * Puts a page of the server's into what is known, the newest first. The page is all there is from `above`, or the newest,
 * down to `next`, or the end: what is known of there and not in it is gone.
 */
export function joined(known: readonly Message[], page: readonly Message[], above: string | null, next: string | null): Message[] {
  const newer = above === null ? [] : known.filter((message) => compare(message.message_id, above) >= 0);
  const older = next === null ? [] : known.filter((message) => compare(message.message_id, next) < 0 && (above === null || compare(message.message_id, above) < 0));
  return [...newer, ...page, ...older];
}

const STANDS = 20_000;

/** Messages by their ids, the newest first. */
export class Tail implements Source<Message> {
  private items: readonly Message[] = [];
  private count = 0;
  private newest = "";
  /** The newest message when so many had come. */
  private readonly stands = new Map<number, string>();
  private readonly listeners = new Set<() => void>();

  set(items: readonly Message[]): void {
    this.items = items;
    const fresh = this.before(this.newest);
    if (fresh > 0) {
      this.count += fresh;
      this.newest = items[0]?.message_id ?? "";
      this.stands.set(this.count, this.newest);
      if (this.stands.size > STANDS) this.stands.delete(this.stands.keys().next().value ?? 0);
    }
    for (const listener of this.listeners) listener();
  }

  size(): number {
    return this.items.length;
  }

  total(): number {
    return this.count;
  }

  at(row: number, total = this.count): Message | undefined {
    const newest = total === this.count ? undefined : this.stands.get(total);
    return this.items[row + (newest === undefined ? 0 : this.before(newest))];
  }

  changed(tell: () => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }

  /** How many are newer than an id. */
  private before(id: string): number {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.items[middle]?.message_id ?? "", id) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
