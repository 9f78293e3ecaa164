import { expect, it } from "vitest";
import { agoOfDay, lasted, alarms, lead, type Status } from "./overview";
import type { Connector } from "./sessions";

const status: Status = {
  started: "", uptime_seconds: 221, takes_messages: true, trouble: null, closed: [], queues: [{ queue: "b", waiting: 412 }], messages_in_memory: 0, changes_waiting: 0,
  messages: { accepted: 3, open: 1, delivered: 2, failed: 0, expired: 0, cancelled: 0, orphans: 0, is_conserved: true }, sessions: { accounts: 1, connectors: 1 },
};
const connector = (name: string, binds: number): Connector => ({ name, state: binds ? "up" : "down", address: "127.0.0.1:1", system_id: "", interface_version: "3.4", tls: false, binds, binds_wanted: 2, in_flight: 0, window: 10, waiting: 0 });

it("the sentence says what is down and what waits", () => {
  const said = lead(status, [connector("a", 2), connector("b", 0)], 5);
  expect(said).toMatchObject({ tone: "warn", sentence: "Traffic flows. One connector is down: b." });
  expect(said.detail).toContain("412 messages wait");
  expect(lead(status, [connector("b", 0)], 0).tone).toBe("bad");
  expect(lead({ ...status, queues: [] }, [connector("a", 2)], 0).sentence).toBe("All is quiet. All connectors are up.");
  expect(lead({ ...status, takes_messages: false, trouble: "disk full" }, [], 0)).toMatchObject({ tone: "bad", sentence: "No messages are taken." });
});
it("alarms are what needs a person", () => {
  expect(alarms(status, [connector("a", 2), connector("b", 0), connector("c", 1)], { unknown: 2 }).map((each) => each.state)).toEqual(["CLOSED", "RETRYING", "UNKNOWN"]);
});
it("the day before is told where the series reaches so far", () => {
  const now = 1_795_348_800_000;
  const line = Array.from({ length: 1_440 }, (_, at): number | null => (at < 5 ? 10 + at : 99));
  const of = (accepted: (number | null)[]): number | null => agoOfDay({ start_ms: now - 1_440 * 60_000, step_ms: 60_000, keys: [], series: { accepted } }, "accepted", now);
  expect([of(line), of([null, ...line.slice(1)]), of([])]).toEqual([12, null, null]);
  expect(lasted({ key: "up/down", title: "", began_ms: 1_000, ended_ms: 67_000 })).toBe("1 min 6 s");
});
