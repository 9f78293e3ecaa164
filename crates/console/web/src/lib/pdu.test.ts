import { expect, it } from "vitest";
import { owners, place, rows, runs, type Node, type Shown } from "./pdu";

const node = (name: string, start: number, end: number, value: Node["value"], more: Partial<Node> = {}): Node => ({ name, kind: "field", start, end, value, meaning: null, class: "ctl", help: null, children: [], ...more });
const shown: Shown = {
  command: "submit_sm", command_id: 4, sequence_number: 1, command_status: "ESME_ROK", version: "5.0", summary: "", text: { text: "Hi", encoding: "GSM 7-bit", septets_or_units: 2 },
  hex: "00000004410002486902040002000714000002abcd",
  nodes: [
    node("command_id", 0, 4, 4, { kind: "header", class: "head" }),
    node("source_addr", 4, 6, "A", { class: "addr" }),
    node("sm_length", 6, 7, 2),
    node("short_message", 7, 9, "4869", { class: "text" }),
    node("user_message_reference", 9, 15, null, { kind: "tlv", class: "tlv", children: [node("tag", 9, 11, 0x204), node("length", 11, 13, 2), node("value", 13, 15, 7)] }),
    node("user_message_reference", 15, 21, "abcd", { kind: "tlv", class: "tlv" }),
  ],
  defect: { field: "sm_length", offset: 6, message: "is odd", duty: "answer", status: null },
  findings: [{ field: null, offset: 14, message: "seven", clause: null }, { field: "validity_period", offset: 6, message: "not there", clause: null }],
  answer: null, pdu: null,
};

it("names each line once, and writes values by their kind", () => {
  const all = rows(shown);
  expect(all.map(({ key, value }) => [key, value])).toEqual([
    ["command_id", "0x00000004"], ["source_addr", '"A"'], ["sm_length", "2"], ["short_message", '"Hi"'],
    ["user_message_reference", "7"], ["user_message_reference/tag", "0x0204"], ["user_message_reference/length", "2"], ["user_message_reference/value", "7"],
    ["user_message_reference~2", "ab cd"],
  ]);
});

it("text in message_payload is text, as in short_message", () => {
  const value = node("value", 4, 6, "4869", { class: "text" });
  const payload = node("message_payload", 0, 6, "4869", { kind: "tlv", class: "tlv", children: [node("tag", 0, 2, 0x424), node("length", 2, 4, 2), value] });
  const of = (text: Shown["text"]): string | undefined => rows({ ...shown, hex: "042400024869", text, nodes: [payload], defect: null, findings: [] })[0]?.value;
  expect(of({ text: "Hi", encoding: "GSM 7-bit", septets_or_units: 2 })).toBe('"Hi"');
  expect(of({ text: "4869", encoding: "binary", septets_or_units: 2, fidelity: "hexadecimal" })).toBe("48 69");
});

it("puts faults on their fields, or on what stands at their octet", () => {
  const all = rows(shown);
  expect(all.filter((row) => row.faults.length > 0).map((row) => [row.key, row.faults[0]?.bad])).toEqual([["sm_length", true], ["user_message_reference/value", false]]);
  expect(place(all, "validity_period", 6)).toBeUndefined();
});

it("cuts lines of octets where fields and groups of eight end", () => {
  const all = rows(shown);
  const of = owners(shown, all.filter((row) => row.depth === 0));
  expect(runs(shown.hex, of, 0, 16).map(({ hex, text, opens, closes }) => [hex, text, opens, closes])).toEqual([
    ["00 00 00 04", "····", true, true], ["41 00", "A·", true, true], ["02", "·", true, true], ["48", "H", true, false], ["69", "i", false, true],
    ["02 04 00 02 00 07", "······", true, true], ["14", "·", true, false],
  ]);
});
