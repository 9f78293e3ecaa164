import { expect, it } from "vitest";
import { characterAt, digitsAt, examples, formOf, fragment, fromFragment, marks } from "./codec";
import type { Shown } from "./pdu";

it("tells the forms apart", () => {
  expect(["", "00 00:10", '{"command": 1}', "AAAAEAAAABUAAAAAAAAABw==", "0000zz", "0000001000000015000000000000000z"].map(formOf)).toEqual([null, "hex", "json", "base64", "hex", "hex"]);
});

it("brings an input through the URL", () => {
  for (const { input } of examples) expect(fromFragment(fragment(input))?.replace(/\s/g, "")).toBe(input.replace(/\s/g, ""));
  expect(fragment(" 00 10\n")).toBe("#hex=0010");
  expect(fromFragment("#hex=%zz")).toBe("%zz");
  expect(fromFragment("#secret=1")).toBeNull();
});

it("finds the character of an octet, and the digits of octets", () => {
  expect([characterAt("aé€b", 3), characterAt("aé€b", 6), characterAt("a", 9)]).toEqual([2, 3, 1]);
  expect(digitsAt("00 01\n02 03", 1, 3)).toEqual({ start: 3, end: 8 });
  expect(digitsAt("0001", 1, 9)).toEqual({ start: 2, end: 4 });
  expect(digitsAt("00", 4, 5)).toBeNull();
});

it("marks the wrong octets of each PDU", () => {
  const pdu = (hex: string, offset: number | null): Shown => ({ hex, nodes: [], defect: offset === null ? null : { field: null, offset, message: "", duty: "drop", status: null } }) as unknown as Shown;
  expect(marks("0001 0203", [pdu("0001", null), pdu("0203", 1)], null)).toEqual([{ start: 7, end: 9, bad: true }]);
  expect(marks("00zz", [], { offset: 2 })).toEqual([{ start: 2, end: 3, bad: true }]);
});
