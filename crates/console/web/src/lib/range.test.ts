import { expect, it } from "vitest";
import { beginning, rangeOf, standing } from "./range";

it("ranges of a URL", () => {
  expect(rangeOf(null)).toMatchObject({ key: "15m", minutes: 15 });
  expect(rangeOf("all")).toMatchObject({ key: "all", minutes: null, fromMs: null });
  expect(rangeOf("nonsense..x")).toMatchObject({ key: "15m" });
  const text = standing(1_000, 61_000.4);
  expect(text).toBe("1970-01-01T00:00:01.000Z..1970-01-01T00:01:01.000Z");
  expect(rangeOf(text)).toMatchObject({ key: text, fromMs: 1_000, untilMs: 61_000 });
  expect([beginning(rangeOf("5m"), 600_000), beginning(rangeOf("all"), 5), beginning(rangeOf(text), 5)]).toEqual([300_000, null, 1_000]);
});
