import { expect, it } from "vitest";
import { pairs, parse } from "./filter";

const fields = ["account", "dest", "state", "parts", "text"];

it("terms, operators, quotes and bare words", () => {
  const parsed = parse('account:acme dest:+46* state!=DELETED text:"two words" parts>1 hello', fields);
  expect(parsed.error).toBeNull();
  expect(pairs(parsed, { dest: "destination_addr" })).toEqual({
    account: "acme", destination_addr: "+46*", state: "!DELETED", text: "*hello*", parts: "2..",
  });
});
it("what is wrong is said with its place", () => {
  expect(parse("account:a colour:red", fields).error).toMatchObject({ at: 10 });
  expect(parse("dest:", fields).error?.message).toContain("needs a value");
  expect(parse('text:"open', fields).error?.message).toContain("quote");
});
