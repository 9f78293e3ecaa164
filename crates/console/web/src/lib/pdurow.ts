// PDUs as rows of the live feed.

export interface PduRow {
  number: number;
  time_ms: number;
  session: number;
  system_id?: string | null;
  peer?: string;
  direction: "in" | "out";
  command: string | null;
  command_id: number;
  sequence_number: number;
  command_status: string;
  command_status_code?: number;
  octets: number;
  summary: string;
  answered_us?: number | null;
}

export const isResponse = (row: PduRow): boolean => (row.command_id >>> 31) === 1;

/** A PDU as the record gives it when asked. */
export interface Kept {
  number: number;
  time: string;
  session: number;
  system_id?: string | null;
  direction: "in" | "out";
  command: string | null;
  sequence_number: number;
  command_status: string;
  summary: string;
  hex: string;
}

export const light = (kept: Kept): PduRow => ({
  number: kept.number,
  time_ms: Date.parse(kept.time),
  session: kept.session,
  system_id: kept.system_id ?? null,
  direction: kept.direction,
  command: kept.command,
  command_id: parseInt(kept.hex.slice(8, 16), 16),
  sequence_number: kept.sequence_number,
  command_status: kept.command_status,
  octets: kept.hex.length / 2,
  summary: kept.summary,
});

/** What a summary says beside what has columns of its own. */
export const said = (row: PduRow): string => row.summary.replace(/^\S+ seq=\d+ ?/, "").replace(/^(ESME_\w+|0x[0-9a-f]+) ?/i, "");
