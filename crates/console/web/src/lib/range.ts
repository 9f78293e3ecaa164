// A range of time in a URL: `15m`, `all`, or `2026-11-22T12:00:00Z..2026-11-22T12:05:00Z`.

export const RANGES = [["5m", "5 min", 5], ["15m", "15 min", 15], ["1h", "1 h", 60], ["24h", "24 h", 1_440], ["all", "All", 0]] as const;

export interface Range {
  key: string;
  label: string;
  /** How far back from now; nothing for all, or for a range that stands. */
  minutes: number | null;
  fromMs: number | null;
  untilMs: number | null;
}

export function rangeOf(text: string | null): Range {
  const [start, end] = (text ?? "").split("..").map((each) => Date.parse(each));
  if (start !== undefined && end !== undefined && start < end) return { key: text ?? "", label: "range", minutes: null, fromMs: start, untilMs: end };
  const [key, label, minutes] = RANGES.find(([each]) => each === text) ?? RANGES[1];
  return { key, label, minutes: minutes || null, fromMs: null, untilMs: null };
}

/** A range that stands, as a URL says it. */
export const standing = (fromMs: number, untilMs: number): string => [fromMs, untilMs].map((at) => new Date(Math.round(at)).toISOString()).join("..");

/** When it begins as seen from now; nothing if it has no beginning. */
export const beginning = (range: Range, now: number): number | null => range.fromMs ?? (range.minutes === null ? null : now - range.minutes * 60_000);
