import { expect, it } from "vitest";
import { Chat, envelope, receipt, type LogRow } from "./chat";
import { begin, carrier, fromShown, int, isFolded, lines, shell, toForm, whole, withReference, type FieldEntry, type PduEntry, type Table } from "./form";
import type { Shown } from "./pdu";

const field = (name: string, kind: FieldEntry["kind"], more: Partial<FieldEntry> = {}): FieldEntry => ({ name, kind, octets: kind === "int" ? 1 : null, max: null, limits: [], class: "ctl", help: "", default: kind === "int" ? 0 : kind === "list" || kind === "tlvs" ? [] : "", values: [], status: "", count: null, entry: [], ...more });
const submit: PduEntry = {
  name: "submit_sm", command_id: 4, section: "4.2.1", help: "", since: null, until: null, request: true, answered_by: "submit_sm_resp", senders: [], tlvs: { required: [], known: [] },
  fields: [field("service_type", "cstr"), field("source_addr_ton", "int"), field("source_addr_npi", "int"), field("source_addr", "cstr"), field("dest_addr_ton", "int"), field("dest_addr_npi", "int"), field("destination_addr", "cstr"), field("esm_class", "int"), field("priority_flag", "int"), field("validity_period", "time"), field("registered_delivery", "int"), field("data_coding", "int"), field("short_message", "octets"), field("tlvs", "tlvs")],
};
const table: Table = { pdus: [submit], tlvs: [{ tag: "0x0204", name: "user_message_reference", kind: "int", min: 2, max: 2, help: "", values: [] }], statuses: [] };

it("reads numbers as they are typed", () => {
  expect([int("0x40"), int(" 12 "), int(""), int("1x")]).toEqual([64, 12, 0, "1x"]);
});

it("puts an address and its kind on one line, and folds what has its default", () => {
  expect(lines(submit).map((line) => line.field.name)).toEqual(["service_type", "source_addr", "destination_addr", "esm_class", "priority_flag", "validity_period", "registered_delivery", "data_coding", "short_message"]);
  const draft = begin(submit, table);
  expect(submit.fields.filter((each) => isFolded(each, draft)).map((each) => each.name)).toEqual(["service_type", "source_addr_npi", "esm_class", "priority_flag", "validity_period", "tlvs"]);
});

it("makes the JSON that encodes, and a form of it again", () => {
  const draft = begin(submit, table);
  draft.fields.esm_class = "0x03";
  draft.tlvs = [{ tag: "0x0204", text: "7" }, { tag: "0x1400", text: "00 11" }];
  const form = toForm(draft, submit, table, { hex: "050003010201c4", coding: 8, udh: true });
  expect(form).toMatchObject({ command: "submit_sm", sequence_number: 0, esm_class: 0x43, data_coding: 8, short_message: "050003010201c4", tlvs: [{ tag: "0x0204", value: 7 }, { tag: "0x1400", hex: "0011" }] });
  const shown = { command: "submit_sm", pdu: { ...form, sequence_number: 9, esm_class: 3, data_coding: 0, short_message: "4869", tlvs: [{ tag: "0x0204", value: 7 }] }, text: { text: "Hi", encoding: "GSM 7-bit", septets_or_units: 2 } } as unknown as Shown;
  const back = fromShown(shown, table);
  expect(back).toMatchObject({ sequence: "9", text: "Hi", encoding: "auto", tlvs: [{ tag: "0x0204", text: "7" }] });
  expect(carrier(submit, { tlvs: [{ tag: "0x0424", text: "" }] })).toBe("message_payload");
  expect(fromShown({ ...shown, pdu: { command: "submit_sm", body: "00" } }, table)).toBeNull();
});

it("says the same for a shell, without the password", () => {
  const draft = begin(submit, table);
  draft.text = "It's 5 €";
  draft.fields.priority_flag = "1";
  draft.tlvs = [{ tag: "0x1400", text: "0011" }];
  expect(shell(draft, submit, table, { host: "127.0.0.1", port: 2775, tls: false, system_id: "app", version: "3.4" })).toBe(
    "smppkit send --url smpp://app@127.0.0.1:2775 --protocol 3.4 --from smppkit --to 447700900123 --field priority_flag=1 --tlv 0x1400=hex:0011 'It'\\''s 5 €'",
  );
});

it("gives each long message a reference of its own, and a payload none", () => {
  expect(whole({ parts: [{ units: 1, octets: 7, hex: "05000301020148", udh_octets: 6, text: "H" }, { units: 1, octets: 7, hex: "05000301020269", udh_octets: 6, text: "i" }] })).toBe("4869");
  expect([withReference("050003010201c4", 0x2a7), withReference("4869", 7)]).toEqual(["050003a70201c4", "4869"]);
});

it("follows a message to its receipt", () => {
  const row = (more: Partial<LogRow>): LogRow => ({ number: 1, time_ms: 0, session: 1, system_id: "", peer: "", direction: "out", command: "submit_sm", command_id: 4, sequence_number: 1, command_status: "ESME_ROK", command_status_code: 0, octets: 0, summary: "", hex: "", text: null, lane: 1, key: "1", ...more });
  const sent = "0000004500000004000000000000000100050073" + "6d70706b697400010134343737303039303031323300000000000001000000054b61666665";
  expect(envelope(sent)).toEqual({ from: "smppkit", to: "447700900123", isReceipt: false });
  const came = "0000009e00000005000000000000000100010134343737303039303031323300050053656e64657200040000";
  const chat = new Chat();
  chat.take(row({ hex: sent, text: "Kaffe" }));
  chat.take(row({ direction: "in", command: "submit_sm_resp", hex: "0000001480000004000000000000000134323100" }));
  expect(chat.said[0]).toMatchObject({ status: "ESME_ROK", id: "421", state: "" });
  expect(chat.take(row({ direction: "in", command: "deliver_sm", hex: came, text: "id:421 sub:001 stat:DELIVRD err:000" }))).toBe(true);
  expect(chat.said.map(({ state }) => state)).toEqual(["DELIVERED"]);
  expect(receipt({ hex: `${"0".repeat(32)}001e0003373700042700010${2}`, text: null })).toEqual({ id: "77", state: "DELIVERED" });
});
