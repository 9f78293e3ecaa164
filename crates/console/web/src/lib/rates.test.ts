import { expect, it } from "vitest";
import { Rates } from "./rates";

it("a rate is what was added in the time between two looks", () => {
  const rates = new Rates(3);
  rates.count("a", 10, 1_000);
  expect(rates.now("a")).toBeNull();
  rates.count("a", 20, 3_000);
  rates.count("a", 50, 4_000);
  expect(rates.history("a")).toEqual([null, 5, 30]);
  // A new session under an old number.
  rates.count("a", 1, 5_000);
  expect(rates.now("a")).toBeNull();
});
