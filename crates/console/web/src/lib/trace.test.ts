import { expect, it } from "vitest";
import { steps, type Story } from "./messages";
import { numberAt, pattern, trace, withPdus, type Recorded } from "./trace";

const story = {
  message_id: "382945886793105408", account: "bank", queue: "carrier", source_addr: "bank", destination_addr: "4915112345678", state: "delivered", attempts: 0, priority: 0,
  accepted: "2026-11-22T17:30:14.203Z", due: "2026-11-22T17:30:14.203Z", expires: null, ended: "2026-11-22T17:30:15.475Z", connector: "carrier", remote_id: "458957", reason: "DELIVRD", kind: "message", told: null,
  version: 2, interface_version: "5.0", others: [], pdu: {}, remote_ids: ["458957"], events: [],
} as unknown as Story;
const at = (number: number, ms: number, rest: Partial<Recorded>): Recorded => ({
  number, time: `2026-11-22T17:30:1${(4_000 + ms) / 1_000}Z`, session: 1, direction: "in", command: "submit_sm", sequence_number: 1, command_status: "ESME_ROK", ...rest,
});
const esme = { session: 2, system_id: "bank" };
const there = { session: 1, system_id: "gateway", connector: "carrier" };
const pdus: Recorded[] = [
  at(1, 200, { ...there, command: "submit_sm", direction: "out", sequence_number: 154 }), // another message
  at(5, 203, { ...esme, sequence_number: 104 }),
  at(6, 203, { ...esme, command: "submit_sm_resp", direction: "out", sequence_number: 104, pdu: { message_id: story.message_id } }),
  at(7, 204, { ...there, direction: "out", sequence_number: 155 }),
  at(8, 205, { ...there, command: "submit_sm_resp", sequence_number: 155, pdu: { message_id: "0000458957" } }),
  at(20, 1474, { ...there, command: "deliver_sm", sequence_number: 129, text: "id:0000458957 sub:001 stat:DELIVRD err:000" }),
  at(21, 1475, { ...there, command: "deliver_sm_resp", direction: "out", sequence_number: 129 }),
  at(22, 1476, { ...esme, command: "deliver_sm", direction: "out", sequence_number: 103, text: `id:${story.message_id} stat:DELIVRD` }),
  at(23, 1480, { ...esme, command: "deliver_sm_resp", sequence_number: 103 }),
];
const matches = (given: unknown, wanted: string | number): boolean => {
  const regex = /^\/(?:\(\?i\))(.*)\/$/.exec(String(wanted));
  return regex ? new RegExp(regex[1] ?? "", "i").test(String(given ?? "")) : String(given) === String(wanted);
};
const ask = (conditions: Record<string, string | number>): Promise<Recorded[]> => {
  const { limit: _, after = 0, ...rest } = conditions;
  return Promise.resolve(pdus.filter((pdu) => pdu.number > Number(after) && Object.entries(rest).every(([name, wanted]) => matches({ ...pdu.pdu, ...pdu }[name as never], wanted))));
};

it("a message's PDUs are found by their ids, with what answers what", async () => {
  const traced = await trace(story, ask);
  expect(traced.map(({ pdu, lane, what }) => [pdu.number, lane, what])).toEqual([
    [5, "left", "request"], [6, "left", "answer"], [7, "right", "request"], [8, "right", "answer"], [20, "right", "receipt"], [21, "right", "answer"], [22, "left", "receipt"], [23, "left", "answer"],
  ]);
  const told = withPdus(steps(story), story, traced);
  expect(told.map((step) => step.title)).toEqual([
    "submit_sm", "Stored", "submit_sm_resp ESME_ROK", "submit_sm", "submit_sm_resp ESME_ROK", "deliver_sm DELIVRD", "deliver_sm_resp ESME_ROK", "Ended: DELIVERED", "deliver_sm DELIVRD", "deliver_sm_resp ESME_ROK",
  ]);
  expect(told[7]?.who).toBe("0000458957 is 458957 there, by its text");
  expect(told.filter((step) => step.wait).map((step) => step.pdu)).toEqual([20]);
});
const from = (all: Recorded[]) => (conditions: Record<string, string | number>): Promise<Recorded[]> => {
  const { limit: _, after = 0, from_ms = 0, until_ms = Infinity, connector, ...rest } = conditions;
  const near = (pdu: Recorded): boolean => Date.parse(pdu.time) >= Number(from_ms) && Date.parse(pdu.time) < Number(until_ms);
  const isThere = (pdu: Recorded): boolean => connector === undefined || (connector === "!*" ? pdu.connector === undefined : connector === "*" ? pdu.connector !== undefined : pdu.connector === connector);
  return Promise.resolve(all.filter((pdu) => pdu.number > Number(after) && near(pdu) && isThere(pdu) && Object.entries(rest).every(([name, wanted]) => matches({ ...pdu.pdu, ...pdu }[name as never], wanted))));
};
const hello = { source_addr: "bank", destination_addr: "4915112345678", short_message: "48656c6c6f" };
it("attempts that were refused are found by what they carry, and no other message's", async () => {
  const all = [
    at(3, 203, { ...there, direction: "out", sequence_number: 150, pdu: hello }),
    at(4, 204, { ...there, command: "submit_sm_resp", sequence_number: 150, command_status: "ESME_RTHROTTLED" }),
    at(7, 214, { ...there, direction: "out", sequence_number: 155, pdu: hello }),
    at(8, 215, { ...there, command: "submit_sm_resp", sequence_number: 155, pdu: { message_id: "0000458957" } }),
    at(9, 216, { ...there, direction: "out", sequence_number: 156, pdu: hello }),
    at(10, 217, { ...there, command: "submit_sm_resp", sequence_number: 156, pdu: { message_id: "777" } }),
    at(11, 218, { ...there, direction: "out", sequence_number: 157, pdu: { ...hello, short_message: "42" } }),
  ];
  const traced = await trace({ ...story, pdu: hello }, from(all));
  expect(traced.map(({ pdu, what }) => [pdu.number, what])).toEqual([[3, "request"], [4, "answer"], [7, "request"], [8, "answer"]]);
  expect(traced[0]?.evidence).toBe("the same addresses and text");
});
it("a message from a handset is followed from its connector to its ESME", async () => {
  const incoming = { ...story, kind: "incoming", queue: "esme:bank", remote_ids: [], remote_id: null, pdu: hello, events: [{ at: "2026-11-22T17:30:14.220Z", event: "end", state: "delivered" }] } as unknown as Story;
  const all = [
    at(1, 201, { ...there, command: "deliver_sm", sequence_number: 1, pdu: hello }),
    at(2, 203, { ...there, command: "deliver_sm_resp", direction: "out", sequence_number: 1 }),
    at(3, 204, { ...esme, command: "deliver_sm", direction: "out", sequence_number: 9, pdu: hello }),
    at(4, 205, { ...esme, command: "deliver_sm_resp", sequence_number: 9 }),
    at(5, 3_000, { ...there, command: "deliver_sm", sequence_number: 2, pdu: hello }),
    at(6, 3_001, { ...esme, command: "deliver_sm", direction: "out", sequence_number: 10, pdu: hello }),
  ];
  const traced = await trace(incoming, from(all));
  expect(traced.map(({ pdu, lane, what }) => [pdu.number, lane, what])).toEqual([[1, "right", "request"], [2, "right", "answer"], [3, "left", "request"], [4, "left", "answer"]]);
  expect(withPdus(steps(incoming), incoming, traced).map((step) => step.title)).toEqual(["deliver_sm", "Stored", "deliver_sm_resp ESME_ROK", "deliver_sm", "deliver_sm_resp ESME_ROK"]);
});
it("a moment's number is found without reading all", async () => {
  let asked = 0;
  const look = ({ after = 0 }: Record<string, string | number>): Promise<Recorded[]> => {
    asked += 1;
    const number = Math.max(Number(after) + 1, 300_000); // what is older is forgotten
    return Promise.resolve(number > 1_000_000 ? [] : [{ ...(pdus[0] as Recorded), number, time: new Date(number).toISOString() }]);
  };
  const number = await numberAt(777_777, 1_000_000, look);
  expect(number).toBeLessThan(777_777);
  expect([number > 777_000, asked < 14, await numberAt(5, 1_000_000, look)]).toEqual([true, true, 0]);
});
it("without a record the story stands as it is", () => {
  expect(withPdus(steps(story), story, [])).toEqual(steps(story));
});
it("ids match with and without leading zeros, and nothing of them is a pattern", () => {
  expect(pattern(["00458957", "7.0*"])).toBe("/(?i)^0*(458957|7\\.0\\*)$/");
});
