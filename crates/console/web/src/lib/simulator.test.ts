import { expect, it } from "vitest";
import { condition, consequence, threads, type Recorded, type Submitted } from "./simulator";

const message = (number: number, to: string, at: string): Submitted => ({
  smsc: "smsc", system_id: "app", number, message_ids: [String(number)], parts: 1, parts_wanted: 1, source_addr: "ACME", destination_addr: to, text: `text ${number}`, data_coding: 0, service_type: "",
  registered_delivery: 1, message_state: "DELIVERED", error_code: 0, accepted: at, ended: null,
});
const sent = (number: number, from: string, at: string, esm_class = 0): Recorded => ({
  number, time: at, session: 1, system_id: "app", direction: "out", command: "deliver_sm", text: `reply ${number}`, summary: "", hex: "", pdu: { source_addr: from, destination_addr: "ACME", esm_class },
});

it("a handset's thread holds what it received and sent, in order, without receipts", () => {
  const found = threads([message(1, "46701", "2026-11-22T12:00:00Z"), message(2, "46702", "2026-11-22T12:00:05Z")], [sent(7, "46701", "2026-11-22T12:00:03Z"), sent(8, "46701", "2026-11-22T12:00:04Z", 4)]);
  expect(found.map(({ number, bubbles }) => [number, bubbles.map((bubble) => bubble.text)])).toEqual([["46702", ["text 2"]], ["46701", ["text 1", "reply 7"]]]);
});
it("rules are told in words", () => {
  const rule = { when: { destination_addr: ["*7", "*8"] }, share: "25%", then: { status: "ESME_RTHROTTLED", answer_after: "1s" } };
  expect(condition(rule)).toBe("a message with destination_addr *7 or *8, 25%");
  expect(consequence(rule)).toBe("answers ESME_RTHROTTLED, answers after 1s");
  expect(consequence({})).toContain("nothing");
});
