import { expect, it } from "vitest";
import { Ring } from "./ring";

it("keeps the latest, the newest first, and what a frozen view shows stays where it is", () => {
  const ring = new Ring<number>(4);
  ring.push([1, 2, 3]);
  const frozen = ring.total();
  expect([ring.at(0), ring.at(2), ring.at(3)]).toEqual([3, 1, undefined]);
  ring.push([4, 5]);
  expect([ring.size(), ring.at(0), ring.at(0, frozen), ring.at(1, frozen)]).toEqual([4, 5, 3, 2]);
  // 1 has been overwritten.
  expect(ring.at(2, frozen)).toBeUndefined();
});
