// How numbers, times, durations, addresses and text are written, the same on every page.

const grouped = new Intl.NumberFormat("en-GB");
/** 1,284; nothing for nothing. */
export const number = (value: number | null | undefined): string => (value === null || value === undefined ? "" : grouped.format(value));

/** 1,284 and a tenth below ten: 3.4. */
export const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? "" : value > 0 && value < 10 && value % 1 !== 0 ? value.toFixed(1) : grouped.format(Math.round(value));

export const percent = (part: number, whole: number): string => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : "");

/** Octets: whole up to 9,999, then KiB, MiB, GiB. */
export function octets(count: number): string {
  if (count <= 9_999) return `${grouped.format(count)} octets`;
  let value = count;
  let unit = "octets";
  for (unit of ["KiB", "MiB", "GiB", "TiB"]) {
    value /= 1_024;
    if (value < 1_024) break;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** Milliseconds since 1970 of an RFC 3339 time, a number, or nothing. */
export const ms = (time: string | number | null | undefined): number | null => {
  if (time === null || time === undefined || time === "") return null;
  const at = typeof time === "number" ? time : Date.parse(time);
  return Number.isFinite(at) ? at : null;
};

const two = (value: number): string => String(value).padStart(2, "0");

/** UTC: the time of day and its milliseconds, with the date if it is not today. */
export function clock(at: number, now = Date.now()): { date: string; time: string; millis: string } {
  const when = new Date(at);
  const today = new Date(now).toISOString().slice(0, 10) === when.toISOString().slice(0, 10);
  return {
    date: today ? "" : `${two(when.getUTCMonth() + 1)}-${two(when.getUTCDate())}`,
    time: `${two(when.getUTCHours())}:${two(when.getUTCMinutes())}:${two(when.getUTCSeconds())}`,
    millis: `.${String(when.getUTCMilliseconds()).padStart(3, "0")}`,
  };
}

/** At most two units: 0.9 ms, 17 ms, 6.41 s, 3 min 41 s, 12 d 4 h. */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined || !Number.isFinite(milliseconds)) return "";
  const value = Math.max(0, milliseconds);
  if (value < 10) return `${value < 1 && value > 0 ? value.toFixed(value < 0.1 ? 2 : 1) : Number(value.toFixed(1))} ms`;
  if (value < 1_000) return `${Math.round(value)} ms`;
  const seconds = value / 1_000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const micros = (value: number | null | undefined): string => (value === null || value === undefined ? "" : duration(value / 1_000));

/** An international number in groups; anything else as it is. Copying gives it without blanks. */
export function address(text: string, ton?: number | null): string {
  const digits = text.replace(/^\+/, "");
  if (!/^\d{7,15}$/.test(digits) || (ton !== null && ton !== undefined && ton !== 1)) return text;
  const code = /^(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/.exec(digits)?.[0] ?? digits.slice(0, 3);
  const rest = digits.slice(code.length);
  const groups = rest.match(/\d{3}(?!\d$)|\d+/g) ?? [rest];
  return `+${code} ${groups.join(" ")}`;
}

/** Text as it may be shown on a line: control characters are seen, and none acts. */
export function visible(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => (control === "\n" || control === "\r" ? "⏎" : "·")).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]/g, "◌");
}

export const hexOf = (value: number, digits = 8): string => `0x${value.toString(16).padStart(digits, "0")}`;
