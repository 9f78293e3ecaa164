import { expect, it } from "vitest";
import type { Message } from "./messages";
import { from, joined, Tail } from "./tail";

const made = (id: number, state = "sent"): Message => ({ message_id: String(id), state }) as Message;
const ids = (messages: readonly (Message | undefined)[]): number[] => messages.map((message) => Number(message?.message_id));

it("a page replaces what it covers, and nothing else", () => {
  const known = [9, 8, 7, 6, 5].map((id) => made(id));
  expect(ids(joined(known, [made(11), made(9, "delivered")], null, "9"))).toEqual([11, 9, 8, 7, 6, 5]);
  expect(joined(known, [made(9, "delivered")], null, "9")[0]?.state).toBe("delivered");
  // 7 does not match any more.
  expect(ids(joined(known, [made(8), made(6)], "9", "6"))).toEqual([9, 8, 6, 5]);
  expect(ids(joined(known, [], "7", null))).toEqual([9, 8, 7]);
  // A page may be empty and go on.
  expect(ids(joined(known, [], "8", "6"))).toEqual([9, 8, 5]);
  expect(from("382945901557055488")).toBe("382945901557055489");
});

it("a view that stands still sees no new rows, but what became of its own", () => {
  const tail = new Tail();
  tail.set([made(3), made(2), made(1)]);
  const stand = tail.total();
  tail.set([made(10), made(9), made(3, "delivered"), made(2), made(1)]);
  expect([tail.total() - stand, tail.at(0)?.message_id, tail.at(0, stand)?.message_id, tail.at(0, stand)?.state]).toEqual([2, "10", "3", "delivered"]);
  // One of the newer leaves, and older ones are loaded: the view does not move.
  tail.set([made(10), made(3), made(2), made(1), made(0)]);
  expect(ids([0, 1, 2, 3].map((row) => tail.at(row, stand)))).toEqual([3, 2, 1, 0]);
  // Without a message there is none to come after.
  const empty = new Tail();
  empty.set([]);
  expect([empty.total(), empty.at(0)]).toEqual([0, undefined]);
});
