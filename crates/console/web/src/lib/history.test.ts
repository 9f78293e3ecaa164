import { expect, it } from "vitest";
import { difference, merged, places, type Past } from "./history";

const past = (number: number, more: Partial<Past> = {}): Past => ({ number, at: "", who: "", kind: "route", name: "a", act: "changed", before: null, after: null, password_changed: false, place_before: null, place_after: null, left_out: 0, ...more });

it("says where a route stood and stands", () => {
  expect(places(past(1, { act: "added", place_after: 2 }))).toBe("as 2");
  expect(places(past(1, { act: "removed", place_before: 3 }))).toBe("it was 3");
  expect(places(past(1, { act: "moved", place_before: 3, place_after: 1 }))).toBe("from 3 to 1");
  expect(places(past(1, { place_before: 3, place_after: 3 }))).toBe("");
  expect(places(past(1, { kind: "account", act: "added" }))).toBe("");
});

it("tells what differs, with all that is new of one that was made", () => {
  const schema = { properties: { to: { type: "string" }, window: { type: "integer", default: 10 } } };
  expect(difference(past(1, { before: { to: "a", window: 10 }, after: { to: "b", window: 10 } }), schema, {})).toEqual([{ path: "to", from: "a", to: "b" }]);
  expect(difference(past(1, { act: "added", after: { to: "b", window: 10 } }), schema, {})).toEqual([{ path: "to", from: undefined, to: "b" }]);
});

it("joins what is asked for again with what is older", () => {
  const numbers = (list: Past[]): number[] => list.map(({ number }) => number);
  expect(numbers(merged([past(5), past(4)], [past(4), past(3), past(2)]))).toEqual([5, 4, 3, 2]);
  expect(numbers(merged([], [past(3)]))).toEqual([3]);
});
