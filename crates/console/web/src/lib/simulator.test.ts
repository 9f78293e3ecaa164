import { expect, it } from "vitest";
import { Book, commandOf, condition, consequence, draftOf, extent, isPlain, ruleOf, FAULTS, faultName, hiddenBy, partOf, pdusOf, questionOf, switched, threads, type Counted, type Recorded, type Rule, type Submitted } from "./simulator";

const message = (number: number, to: string, at: string, more: Partial<Submitted> = {}): Submitted => ({
  smsc: "smsc", system_id: "app", number, message_ids: [String(number)], parts: 1, parts_wanted: 1, source_addr: "ACME", destination_addr: to, text: `text ${number}`, data_coding: 0, service_type: "",
  registered_delivery: 1, message_state: "DELIVERED", error_code: 0, accepted: at, ended: null, ...more,
});
const IDS: Record<string, string> = { submit_sm: "00000004", submit_sm_resp: "80000004", deliver_sm: "00000005", deliver_sm_resp: "80000005" };
const pdu = (number: number, direction: "in" | "out", command: string, sequence_number: number, fields: Record<string, unknown>, text: string | null = null, command_status = "ESME_ROK"): Recorded => ({
  number, time: new Date(Date.UTC(2026, 10, 22, 12, 0, number)).toISOString(), session: 1, system_id: "app", direction, command, sequence_number, command_status, text, summary: "", hex: `00000010${IDS[command]}`, pdu: fields,
});
const booked = (...items: Recorded[]): Book => {
  const book = new Book();
  book.add(items, items.at(-1)?.number ?? 0);
  return book;
};
const mo = (number: number, sequence: number, fields: Record<string, unknown> = {}, text = `reply ${number}`): Recorded => pdu(number, "out", "deliver_sm", sequence, { source_addr: "46701", destination_addr: "ACME", ...fields }, text);

it("a handset's thread holds what it received and sent, in order, without receipts", () => {
  const { exchanges } = booked(mo(3, 1), mo(4, 2, { esm_class: 4 }, "id:1 stat:DELIVRD"));
  const found = threads([message(1, "46701", "2026-11-22T12:00:00Z"), message(2, "46702", "2026-11-22T12:00:05Z")], exchanges);
  expect(found.map(({ number, bubbles }) => [number, bubbles.map((bubble) => bubble.text)])).toEqual([["46702", ["text 2"]], ["46701", ["text 1", "reply 3"]]]);
});

it("a receipt is told by how far it came", () => {
  const receipt = mo(4, 2, { esm_class: 4, tlvs: [{ name: "receipted_message_id", value: "1" }] }, "");
  const only = (...items: Recorded[]) => threads([message(1, "46701", "2026-11-22T12:00:00Z")], booked(...items).exchanges)[0]?.bubbles[0]?.receipt;
  expect(only()).toBe("waits");
  expect(only(receipt)).toBe("sent");
  expect(only(receipt, pdu(5, "in", "deliver_sm_resp", 2, {}))).toBe("acknowledged");
  expect(only(receipt, pdu(5, "in", "deliver_sm_resp", 2, {}, null, "ESME_RX_T_APPN"))).toBe("refused");
  expect(threads([message(1, "46701", "2026-11-22T12:00:00Z", { registered_delivery: 0 })], [])[0]?.bubbles[0]?.receipt).toBe("none");
});

it("a refused request is in the thread of its number, with its status", () => {
  const book = booked(pdu(1, "in", "submit_sm", 9, { source_addr: "ACME", destination_addr: "46333" }, "no"), pdu(2, "out", "submit_sm_resp", 9, {}, null, "ESME_RSUBMITFAIL"));
  const [bubble] = threads([], book.exchanges)[0]?.bubbles ?? [];
  expect([bubble?.kind, bubble?.text, bubble?.status, bubble?.answeredMs]).toEqual(["refused", "no", "ESME_RSUBMITFAIL", 1_000]);
  expect(pdusOf("46333", book.exchanges).map(({ number }) => number)).toEqual([1, 2]);
  book.keepFrom(2);
  expect(book.exchanges).toEqual([]);
});

it("requests of both sides with the same sequence_number are kept apart", () => {
  const { exchanges } = booked(pdu(1, "in", "submit_sm", 2, {}), mo(2, 2), pdu(3, "in", "deliver_sm_resp", 2, {}), pdu(4, "out", "submit_sm_resp", 2, {}));
  expect(exchanges.map(({ request, answer }) => [request.number, answer?.number])).toEqual([[1, 4], [2, 3]]);
});

it("parts of a long message of a handset are one bubble", () => {
  const part = (number: number, sequence: number) => mo(number, number, { esm_class: 64, udh: [{ iei: "0x00", data: `0702${String(sequence).padStart(2, "0")}` }] }, sequence === 1 ? "one " : "two");
  const [thread] = threads([], booked(part(2, 2), part(1, 1)).exchanges);
  expect(thread?.bubbles.map(({ text, parts, parts_wanted }) => [text, parts, parts_wanted])).toEqual([["one two", 2, 2]]);
  expect(partOf({ udh: [{ iei: "0x08", data: "01020302" }] })).toEqual({ reference: "0102", total: 3, sequence: 2 });
  expect(partOf({ tlvs: [{ name: "sar_msg_ref_num", value: 5 }, { name: "sar_total_segments", value: 2 }, { name: "sar_segment_seqnum", value: 1 }] })).toEqual({ reference: "5", total: 2, sequence: 1 });
  expect(partOf({ udh: [{ iei: "0x05", data: "00010002" }] })).toBeNull();
});

it("rules are told in words", () => {
  const rule = { when: { destination_addr: ["*7", "*8"] }, share: "25%", times: 1, then: { status: "ESME_RTHROTTLED", answer_after: "1s" } };
  expect([condition(rule), extent(rule), consequence(rule)]).toEqual(["destination_addr *7 or *8", "25 %, 1 time", "answer ESME_RTHROTTLED, after 1s"]);
  expect([condition({}), condition({ on: ["unbind"] }), consequence({})]).toEqual(["any message", "unbind", "as without a rule"]);
  expect(consequence({ then: { state: "REJECTED", error_code: 7, delay: "1s..2s" } })).toBe("ends REJECTED, err 007, after 1s..2s");
});

it("a rule behind one that takes all is said to be hidden", () => {
  const rules = [{ then: {} }, { when: { text: "x" }, then: {} }, { on: ["unbind"], then: {} }].map((rule, place): Counted => ({ place, from: "rest", held: 0, taken: 0, rule }));
  expect(rules.map((rule) => hiddenBy(rule, rules)?.place)).toEqual([undefined, 0, undefined]);
});

it("a fault for a share stands before those for all, and all before what people wrote", () => {
  const [share, all] = [FAULTS.find(({ label }) => label === "Throttling"), FAULTS.find(({ label }) => label === "Slow answers")];
  if (!share || !all) throw new Error("no such faults");
  const own: Rule[] = [{ name: "mine", then: {} }];
  const both = switched(switched(own, all, true), share, true);
  expect(both.map(({ name }) => name)).toEqual([faultName(share), faultName(all), "mine"]);
  expect(switched(switched(both, share, false), all, false)).toEqual(own);
});

it("the form gives back the rule it was made of", () => {
  const rule: Rule = {
    name: "busy", on: ["submit_sm"], when: { destination_addr: ["*7", "4477*"], text: "/a, b/" }, unless: { system_id: "vip" }, share: "25%", skip: 2, every: 3, times: 0,
    then: { status: "ESME_RTHROTTLED", answer_after: "1s", error_code: 7, reply: { text: "no", after: "2s" } },
  };
  expect(ruleOf(draftOf(rule))).toEqual(rule);
  expect(ruleOf(draftOf({}))).toEqual({ then: {} });
  expect([isPlain({ when: { text: ["a", "b"] } }), isPlain({ then: { octets: "00" } }), isPlain({ when: { text: "a, b" } })]).toEqual([true, false, false]);
});

it("the rules are asked what a PDU needs and no more", () => {
  const trial = { command: "submit_sm", number: "+44 7700 900123", text: "Hello", source: "", system_id: "" };
  expect(questionOf(trial, null)).toEqual({ destination_addr: "447700900123", text: "Hello" });
  expect(questionOf({ ...trial, number: " " }, null)).toBeNull();
  expect(questionOf({ ...trial, command: "bind_receiver", source: "1", system_id: "app" }, { rule: { share: "5%" }, place: null })).toEqual({ command: "bind_receiver", system_id: "app", rule: { share: "5%" } });
  expect(questionOf({ ...trial, command: "query_sm", source: "1" }, { rule: {}, place: 2 })).toEqual({ command: "query_sm", source_addr: "1", rule: {}, place: 2 });
});

it("a draft is tested with the first PDU that it is for", () => {
  expect([{}, { on: ["unbind"] }, { on: ["bind_*"] }, { on: ["query_*", "unbind"] }].map(commandOf)).toEqual(["submit_sm", "unbind", "bind_transmitter", "query_sm"]);
});
