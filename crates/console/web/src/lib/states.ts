// States as icon, colour and word: the shape carries the meaning, colour repeats it.

export interface Look {
  colour: "ok" | "bad" | "warn" | "wait" | "acc" | "teal" | "dim";
  loud: boolean;
  /** Parts of a 16 by 16 drawing. */
  ring?: boolean;
  disc?: boolean;
  line?: string;
}

const arrows = { right: "M4.8 8h6M8.6 5.8L10.8 8l-2.2 2.2", left: "M11.2 8h-6M7.4 5.8L5.2 8l2.2 2.2", both: "M4.8 6.6h6.2M9.4 5L11 6.6M11.2 9.4H5M6.6 11L5 9.4" };
const cross = "M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6";
const turn = "M13 7.2A5.2 5.2 0 1 0 12 11.4M13.2 3.6V7.2H9.6";

const looks: Record<string, Look> = {
  SCHEDULED: { colour: "wait", loud: false, ring: true, line: "M8 4.8V8l2.2 1.4" },
  ENROUTE: { colour: "acc", loud: false, ring: true, line: arrows.right },
  DELIVERED: { colour: "ok", loud: false, disc: true, line: "M5 8.3l2.1 2.1L11 6.2" },
  ACCEPTED: { colour: "teal", loud: false, ring: true, line: "M5.3 8.2l2 2 3.5-4" },
  EXPIRED: { colour: "warn", loud: true, line: "M4 1.8h8M4 14.2h8M4.8 2c0 4 6.4 8 6.4 12M11.2 2c0 4-6.4 8-6.4 12" },
  UNDELIVERABLE: { colour: "bad", loud: true, disc: true, line: cross },
  REJECTED: { colour: "bad", loud: true, ring: true, line: "M3.8 3.8l8.4 8.4" },
  DELETED: { colour: "dim", loud: false, line: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" },
  UNKNOWN: { colour: "dim", loud: false, ring: true, line: "M6.4 6.4a1.7 1.7 0 1 1 2.5 1.5c-.6.3-.9.7-.9 1.3M8 11.4v.01" },
  SKIPPED: { colour: "dim", loud: false, line: "M3.5 4l4 4-4 4M8 4l4 4-4 4M13.4 4v8" },
  OPEN: { colour: "acc", loud: false, ring: true },
  BOUND_TX: { colour: "ok", loud: false, disc: true, line: arrows.right },
  BOUND_RX: { colour: "ok", loud: false, disc: true, line: arrows.left },
  BOUND_TRX: { colour: "ok", loud: false, disc: true, line: arrows.both },
  DRAINING: { colour: "warn", loud: true, ring: true, line: "M8 5v5M5.8 8L8 10.4 10.2 8" },
  UNBINDING: { colour: "warn", loud: false, ring: true, line: "M5.5 8h5" },
  RETRYING: { colour: "warn", loud: true, line: turn },
  UNBOUND: { colour: "dim", loud: false, ring: true, line: "M5.5 8h5" },
  CLOSED: { colour: "bad", loud: true, line: "M4 4l8 8M12 4l-8 8" },
};

/** What the products call these states. */
const same: Record<string, string> = {
  transmitter: "BOUND_TX", receiver: "BOUND_RX", transceiver: "BOUND_TRX",
  queued: "SCHEDULED", scheduled: "SCHEDULED", waiting: "SCHEDULED", sent: "ENROUTE", submitted: "ENROUTE", sending: "ENROUTE", enroute: "ENROUTE",
  delivered: "DELIVERED", accepted: "ACCEPTED", expired: "EXPIRED", failed: "UNDELIVERABLE", undeliverable: "UNDELIVERABLE",
  rejected: "REJECTED", cancelled: "DELETED", deleted: "DELETED", unknown: "UNKNOWN", skipped: "SKIPPED",
};

export const look = (state: string): Look => looks[same[state] ?? state] ?? looks[state.toUpperCase()] ?? { colour: "dim", loud: false, ring: true };
/** The protocol's word for a state. */
export const word = (state: string): string => same[state] ?? state;

const retryable = new Set(["ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RSYSERR", "ESME_RX_T_APPN"]);
/** How a command_status is shown: quiet, worth another try, or refused for good. */
export const statusColour = (status: string): string => (status === "ESME_ROK" || status === "" ? "dim" : retryable.has(status) ? "warn" : status.startsWith("0x") ? "" : "bad");
