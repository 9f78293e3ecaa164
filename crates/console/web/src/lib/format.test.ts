import { describe, expect, it } from "vitest";
import { address, clock, duration, number, octets, percent, rate, visible } from "./format";

describe("what is written", () => {
  it("durations have two units at most", () => {
    expect([0, 0.04, 0.9, 17, 999, 6_410, 59_900, 221_000, 5_400_000, 1_051_200_000].map(duration)).toEqual([
      "0 ms", "0.04 ms", "0.9 ms", "17 ms", "999 ms", "6.41 s", "59.9 s", "3 min 41 s", "1 h 30 min", "12 d 4 h",
    ]);
    expect(duration(null)).toBe("");
  });
  it("numbers are grouped, and nothing is not zero", () => {
    expect([number(1_284), number(0), number(null), rate(3.44), rate(12.5), percent(1, 3), percent(0, 0)]).toEqual(["1,284", "0", "", "3.4", "13", "33.3 %", ""]);
    expect([octets(112), octets(14_541)]).toEqual(["112 octets", "14.2 KiB"]);
  });
  it("addresses are grouped if they are international numbers", () => {
    expect(address("46701740615")).toBe("+46 701 740 615");
    expect([address("447700900123"), address("+4915112345678")]).toEqual(["+44 770 090 0123", "+49 151 123 456 78"]);
    expect([address("12345"), address("ACME"), address("46701740615", 5)]).toEqual(["12345", "ACME", "46701740615"]);
    expect(address("46701740615").replaceAll(" ", "")).toBe("+46701740615");
  });
  it("no control character acts", () => {
    expect(visible("a\u0000b\nc\u202ed\u001be")).toBe("a·b⏎c◌d·e");
  });
  it("a date stands there only if it is not today", () => {
    const at = Date.UTC(2026, 10, 20, 16, 31, 2, 7);
    expect(clock(at, at)).toEqual({ date: "", time: "16:31:02", millis: ".007" });
    expect(clock(at, at + 86_400_000).date).toBe("11-20");
  });
});
