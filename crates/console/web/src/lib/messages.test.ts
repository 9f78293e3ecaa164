import { expect, it } from "vitest";
import { parse } from "./filter";
import { asked, cell, command, csv, FIELDS, holds, steps, type Message, type Story } from "./messages";

const message: Message = {
  message_id: "7398214506318471168", account: "acme", queue: "carrier", source_addr: "ACME", destination_addr: "46701740615", state: "delivered", attempts: 0, priority: 0,
  accepted: "2026-11-22T12:00:00.000Z", due: "", expires: null, ended: "2026-11-22T12:00:06.410Z", connector: "carrier", remote_id: "1F3A", reason: null, kind: "message", text: "it's =1+1",
};
const filter = (text: string) => parse(text, FIELDS);

it("the server is asked for what it looks for, the rest is looked at here", () => {
  expect(asked(filter("account:acme dest:+46701740615 state:DELIVERED id:73*"))).toEqual({ account: "acme", destination_addr: "46701740615", state: "delivered" });
  for (const good of ["dest:+46*", "dest:*615", "account:acme,other state!=failed", "it's", "text:1+1", "id:7398*1168", "attempts<1"]) expect(holds(message, filter(good)), good).toBe(true);
  for (const bad of ["dest:47*", "account!=acme", "kind:receipt", "nothing", "attempts>0", "dest:4670*616", "id:98*"]) expect(holds(message, filter(bad)), bad).toBe(false);
});
it("no cell is a formula", () => {
  expect([cell("=1+1"), cell("+46701"), cell("@SUM(A1)"), cell("-1"), cell('a"b,c'), cell("\tx")]).toEqual(["'=1+1", "'+46701", "'@SUM(A1)", "-1", '"a""b,c"', "'\tx"]);
  expect(csv([message]).split("\r\n")).toHaveLength(3);
});
it("a command is quoted for the shell", () => {
  expect(command(message)).toBe(`smppkit send --from ACME --to 46701740615 'it'\\''s =1+1'`);
  expect(command({ ...message, text: "-v" })).toBe("smppkit send --from ACME --to 46701740615 -- -v");
});
it("a story is told in its order, with who did what", () => {
  const story: Story = { ...message, version: 2, interface_version: "3.4", others: [], pdu: null, remote_ids: ["1F3A"], events: [
    { at: "2026-11-22T12:00:00.020Z", event: "sent", connector: "carrier", remote_id: "1F3A" },
    { at: "2026-11-22T12:00:06.410Z", event: "end", state: "delivered" },
  ] };
  const told = steps(story);
  expect(told.map((step) => step.title)).toEqual(["submit_sm accepted", "Stored, answered ESME_ROK", "submit_sm taken by carrier", "Receipt of carrier: delivered"]);
  expect(told[3]).toMatchObject({ who: "matched by 1F3A", wait: 6_390, lane: "right" });
  expect(steps({ ...story, events: [] }).map((step) => step.title)).toEqual(["submit_sm accepted", "Stored, answered ESME_ROK", "submit_sm taken by carrier", "Ended: delivered"]);
});
