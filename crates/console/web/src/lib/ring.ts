// The latest items of a feed, outside the framework: what arrives thousands of times a second must not make it work.

/** What a table shows: items by their place, 0 the first row. */
export interface Source<T> {
  /** How many there are now. */
  size(): number;
  /** How many ever came; grows by one for each new item in front. */
  total(): number;
  /** The item of a row, as it stands when so many had come. */
  at(row: number, total: number): T | undefined;
  /** Told of each change. Returns how to stop. */
  changed(tell: () => void): () => void;
}

/** Keeps the latest so many; the newest is row 0. */
export class Ring<T> implements Source<T> {
  private readonly items: (T | undefined)[];
  private count = 0;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly capacity = 20_000) {
    this.items = new Array<T | undefined>(capacity);
  }

  push(items: readonly T[]): void {
    for (const item of items) {
      this.items[this.count % this.capacity] = item;
      this.count += 1;
    }
    if (items.length) this.tell();
  }

  clear(): void {
    this.items.fill(undefined);
    this.count = 0;
    this.tell();
  }

  size(): number {
    return Math.min(this.count, this.capacity);
  }

  total(): number {
    return this.count;
  }

  at(row: number, total = this.count): T | undefined {
    const number = total - 1 - row;
    return number < 0 || number < this.count - this.capacity ? undefined : this.items[number % this.capacity];
  }

  changed(tell: () => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** A list that is replaced as a whole. */
export class List<T> implements Source<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private items: readonly T[] = []) {}

  set(items: readonly T[]): void {
    this.items = items;
    for (const listener of this.listeners) listener();
  }

  all(): readonly T[] {
    return this.items;
  }

  size(): number {
    return this.items.length;
  }

  total(): number {
    return 0;
  }

  at(row: number): T | undefined {
    return this.items[row];
  }

  changed(tell: () => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }
}
