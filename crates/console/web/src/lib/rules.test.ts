import { describe, expect, it } from "vitest";
import { conditions, count, moves, nameOf, ruleOf, targetsOf, type Placed } from "./rules";

const rule = (name: string, more = {}): Record<string, unknown> => ({ name, ...more });
const placed = (was: number | null, own: Record<string, unknown>): Placed => ({ id: 0, was, rule: own });

describe("rules", () => {
  it("tell what is new, gone, elsewhere and otherwise", () => {
    const base = [rule("a"), rule("b"), rule("c"), rule("d")];
    const found = moves(base, [placed(3, rule("d")), placed(0, rule("a")), placed(null, rule("n")), placed(2, rule("c", { text: "x" }))], { properties: {} }, {});
    expect(found.added.map(({ at }) => at)).toEqual([2]);
    expect(found.removed.map(({ was }) => was)).toEqual([1]);
    expect(found.moved.map(({ was, at }) => [was, at])).toEqual([[3, 0]]);
    expect(found.changed.map(({ changes }) => changes)).toEqual([[{ path: "text", from: undefined, to: "x" }]]);
    expect(count(found)).toBe(4);
    expect(count(moves(base, base.map((own, at) => placed(at, own)), {}, {}))).toBe(0);
  });
  it("say what they ask and where they lead", () => {
    expect(conditions({ name: "a", to: "x", text: "STOP*", account: [], tlv: {}, udh: false })).toEqual([["text", "STOP*"], ["udh", false]]);
    expect(targetsOf({ to: ["a", { name: "b", weight: 2 }] })).toEqual([{ name: "a" }, { name: "b", weight: 2 }]);
    expect(nameOf({}, 2)).toBe("route 3");
  });
  it("are found by a problem's words", () => {
    const rules = [rule("a"), {}];
    expect(ruleOf('route "a": hours: "9" is no span', undefined, rules)).toBe(0);
    expect(ruleOf('route "route 2" leads to "nope"', undefined, rules)).toBe(1);
    expect(ruleOf("[1].foo: unknown", "[1].foo", rules)).toBe(1);
    expect(ruleOf("something", undefined, rules)).toBe(null);
  });
});
