import { describe, expect, it } from "vitest";
import { stepOf, stood, turn, type Decision, type Explained, type Seen } from "./ways";

function way(verdicts: Seen["verdict"][], decision: Decision, source: Explained["source"] = "allowed"): Explained {
  const rules = verdicts.map((verdict, at) => ({ name: `route ${at + 1}`, verdict }));
  return { source, explanation: source === "refused" ? null : { rules, targets: [], decision }, to: decision.target ?? null, pdu: null, parts: 1, words: "" };
}
const send = (rule: number, name: string, target: string, then: string[] = []): Decision => ({ decision: "send", rule, name, target, then });
const all = way(["matched"], send(0, "all", "up"));

describe("what a change makes of the way of a message", () => {
  it("is nothing where rules move and the one that counts stays, whatever it is called now", () => {
    const after = way(["no_match", "matched"], send(1, "route 2", "up"));
    const same = turn(all, after, [null, 0], false);
    expect([same.isSame, same.words]).toEqual([true, "Nothing changes for this message: it goes by route 2 to up."]);
    expect([...same.before, ...same.after]).toEqual([]);
  });

  it("names both rules and marks the steps that differ", () => {
    const after = way(["matched", "not_reached"], send(0, "uk", "second"));
    const other = turn(all, after, [null, 0], false);
    expect(other.words).toBe("With this change this message goes by uk to second instead of by all to up.");
    expect([...other.before]).toEqual([stepOf("rule", 0), stepOf("target", "up")]);
    expect([...other.after]).toEqual([stepOf("rule", 0), stepOf("target", "second")]);
  });

  it("marks the rule that does not hold any more", () => {
    const before = way(["matched", "not_reached"], send(0, "uk", "up"));
    const after = way(["no_match", "matched"], send(1, "all", "up"));
    const other = turn(before, after, [0, 1], false);
    expect(other.words).toBe("With this change this message goes by all instead of uk, to up as before.");
    expect([...other.after].sort()).toEqual([stepOf("rule", 0), stepOf("rule", 1)]);
  });

  it("tells another target, another fallback, a refusal and no rule apart", () => {
    const words = (decision: Decision, from = all): string => turn(from, way(["matched"], decision), [0], false).words;
    expect(words(send(0, "all", "second"))).toBe("With this change this message goes to second instead of up, by all as before.");
    expect(words(send(0, "all", "up", ["b"]))).toBe("With this change this message still goes by all to up, and falls back to b instead of nothing.");
    expect(words({ decision: "refuse", rule: 0, name: "all", status: "ESME_RSYSERR" })).toBe("With this change this message is refused by all with ESME_RSYSERR; now it goes by all to up.");
    expect(words({ decision: "no_rule" })).toBe("With this change this message is refused with ESME_RINVDSTADR, as no rule is for it; now it goes by all to up.");
    const refused = way([], { decision: "no_rule" }, "refused");
    expect(turn(refused, refused, [0], false).isSame).toBe(true);
  });
});

it("rules of the file stand behind those that were made", () => {
  expect(stood([{ id: 1, was: null, rule: {} }, { id: 2, was: 0, rule: {} }], 2, 2)).toEqual([null, 0, 2, 3]);
});
