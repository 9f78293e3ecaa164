import { expect, it } from "vitest";
import { areaOf, broadcastsOf, intervalOf, withTold } from "./broadcast";
import { Book, type Recorded } from "./simulator";

const hexOf = (text: string): string => [...text].map((each) => each.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const pdu = (number: number, direction: "in" | "out", command: string, sequence_number: number, fields: Record<string, unknown>, command_status = "ESME_ROK"): Recorded => ({
  number, time: "2026-11-22T12:00:00Z", session: 1, system_id: "cbc", direction, command, sequence_number, command_status, text: null, summary: "", hex: `00000010${command.endsWith("_resp") ? "8" : "0"}0000111`, pdu: fields,
});
const area = (name: string) => ({ name: "broadcast_area_identifier", hex: `00${hexOf(name)}` });

it("areas are named by their form", () => {
  expect(areaOf(`00${hexOf("Uppsala")}`)).toEqual({ form: "alias", name: "Uppsala" });
  expect(areaOf("020102ff")).toEqual({ form: "polygon", name: "0102ff" });
  expect(areaOf("")).toEqual({ form: "form 0x00", name: "" });
  expect([intervalOf("08003c"), intervalOf("0a0102"), intervalOf("000000"), intervalOf("")]).toEqual(["every 60 s", "every 258 h", "as often as possible", ""]);
});

it("a broadcast has the state that queries and cancels told", () => {
  const book = new Book();
  book.add([
    pdu(1, "in", "broadcast_sm", 1, { source_addr: "112", tlvs: [area("A"), area("B"), { name: "broadcast_rep_num", value: 5 }] }), pdu(2, "out", "broadcast_sm_resp", 1, { message_id: "B1" }),
    pdu(3, "in", "query_broadcast_sm", 2, { message_id: "B1" }), pdu(4, "out", "query_broadcast_sm_resp", 2, { message_id: "B1", tlvs: [{ name: "message_state", value: 1 }, area("A"), { name: "broadcast_area_success", value: 100 }, area("B"), { name: "broadcast_area_success", value: 255 }] }),
    pdu(5, "in", "broadcast_sm", 3, {}), pdu(6, "out", "broadcast_sm_resp", 3, {}, "ESME_RMISSINGTLV"),
    pdu(7, "in", "cancel_broadcast_sm", 4, { message_id: "B1" }), pdu(8, "out", "cancel_broadcast_sm_resp", 4, {}),
  ], 8);
  const [refused, first] = broadcastsOf(book.exchanges);
  expect([refused?.status, refused?.message_id, refused?.areas]).toEqual(["ESME_RMISSINGTLV", "", []]);
  expect([first?.message_id, first?.state, first?.cancelled, first?.repeats]).toEqual(["B1", "ENROUTE", true, 5]);
  expect(first?.areas).toEqual([{ form: "alias", name: "A", success: 100 }, { form: "alias", name: "B", success: null }]);
});

it("what the server says comes before what was asked last", () => {
  const book = new Book();
  const sent = (number: number) => [pdu(number, "in", "broadcast_sm", number, { tlvs: [area("A")] }), pdu(number + 1, "out", "broadcast_sm_resp", number, { message_id: "B1" })];
  book.add([...sent(1), ...sent(3)], 4);
  const told = { message_id: "B1", message_state: "DELETED", starts: "2026-11-22T12:00:00Z", ends: "2026-11-22T12:00:09Z", areas: [{ identifier: `00${hexOf("B")}`, success: 100 }] };
  const [newest, replaced] = withTold(broadcastsOf(book.exchanges), [told]);
  expect([newest?.state, newest?.cancelled, newest?.ends, newest?.areas]).toEqual(["DELETED", true, told.ends, [{ form: "alias", name: "B", success: 100 }]]);
  expect([replaced?.state, replaced?.cancelled, replaced?.areas[0]?.success]).toEqual(["", false, null]);
  expect(withTold(broadcastsOf(book.exchanges), [])[0]?.state).toBe("");
});
