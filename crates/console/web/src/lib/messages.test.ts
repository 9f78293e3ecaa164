import { expect, it } from "vitest";
import { parse } from "./filter";
import { asked, cell, command, partOf, shell, statesOf, csv, FIELDS, isOne, steps, type Message, type Story } from "./messages";

const message: Message = {
  message_id: "7398214506318471168", account: "acme", queue: "carrier", source_addr: "ACME", destination_addr: "46701740615", state: "delivered", attempts: 0, priority: 0,
  accepted: "2026-11-22T12:00:00.000Z", due: "", expires: null, ended: "2026-11-22T12:00:06.410Z", connector: "carrier", remote_id: "1F3A", reason: null, kind: "message", text: "it's =1+1",
};
const filter = (text: string) => parse(text, FIELDS);

it("the server is asked for all of it, in its own patterns", () => {
  expect(asked(filter("account:acme,other dest:+46* source!=+44,Shop id:73* attempts>1 attempts<5"))).toEqual([
    ["account", "acme,other"], ["destination_addr", "46*"], ["source_addr", "!44,Shop"], ["message_id", "73*"], ["attempts", "2.."], ["attempts", "..4"],
  ]);
  expect(asked(filter('text:"1+1 (a)*b" text!=stop text~^co connector:/a,b/ hello'))).toEqual([
    ["text", "/1\\+1 \\(a\\).*b/i"], ["text", "!/stop/i"], ["text", "/^co/i"], ["connector", "/a,b/"], ["contains", "hello"],
  ]);
  expect([isOne(filter("id:123")), isOne(filter("id!=123")), isOne(filter("id:12*"))]).toEqual([true, false, false]);
});
it("no cell is a formula", () => {
  expect([cell("=1+1"), cell("+46701"), cell("@SUM(A1)"), cell("-1"), cell('a"b,c'), cell("\tx")]).toEqual(["'=1+1", "'+46701", "'@SUM(A1)", "-1", '"a""b,c"', "'\tx"]);
  expect(csv([message]).split("\r\n")).toHaveLength(3);
});
it("states go by the server's word and the protocol's", () => {
  expect([statesOf("UNDELIVERABLE"), statesOf("deleted"), statesOf("sent"), statesOf("odd")]).toEqual([["failed"], ["cancelled"], ["sent"], ["odd"]]);
  expect([statesOf("del"), statesOf("e*")]).toEqual([["delivered", "cancelled"], ["sent", "expired"]]);
  expect(asked(filter("state:UNDELIVERABLE,sent state!=DELIVERED"))).toEqual([["state", "failed,sent"], ["state", "!delivered"]]);
});
it("nothing acts on the terminal that a command is pasted into", () => {
  expect(shell("a\u001b[201~\nb'\\\u202e")).toBe("$'a\\x1b[201~\\nb\\'\\\\\\u202e'");
  expect(command({ ...message, source_addr: "-x", text: "-rf" })).toBe("smppkit send --from=-x --to 46701740615 -- -rf");
  expect(command({ ...message, text: "deadbeef", pdu: { data_coding: 4, short_message: "deadbeef" } })).toBe("smppkit send --from ACME --to 46701740615 --encoding binary deadbeef");
});
it("parts are told by a header of 8 or 16 bits, or by TLVs", () => {
  expect(partOf({ udh: [{ iei: "0x00", data: "ce0302" }] })).toEqual({ how: "8-bit UDH", reference: 0xce, total: 3, number: 2 });
  expect(partOf({ udh: [{ iei: "0x05", data: "23f40000" }, { iei: "0x08", data: "01000201" }] })).toMatchObject({ how: "16-bit UDH", reference: 256, total: 2, number: 1 });
  expect(partOf({ tlvs: [{ name: "sar_msg_ref_num", value: 130 }, { name: "sar_total_segments", value: 3 }, { name: "sar_segment_seqnum", value: 2 }] })).toMatchObject({ reference: 130, number: 2 });
  expect([partOf({}), partOf(null)]).toEqual([null, null]);
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
  expect(told.map((step) => step.title)).toEqual(["submit_sm accepted", "Stored, answered ESME_ROK", "submit_sm taken by carrier", "Receipt of carrier: DELIVERED"]);
  expect(told[3]).toMatchObject({ who: "matched by 1F3A", wait: 6_390, lane: "right" });
  expect(steps({ ...story, events: [] }).map((step) => step.title)).toEqual(["submit_sm accepted", "Stored, answered ESME_ROK", "submit_sm taken by carrier", "Ended: DELIVERED"]);
});
