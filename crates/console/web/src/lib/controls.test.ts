import { expect, it } from "vitest";
import { piecesOf } from "./controls";

it("control characters have names, text and line feeds stay", () => {
  expect(piecesOf("a\u0000b\u202ec\n\u0007")).toEqual([
    { text: "a", name: "" }, { text: "", name: "NUL" }, { text: "b", name: "" }, { text: "", name: "RLO" }, { text: "c\n", name: "" }, { text: "", name: "0x07" },
  ]);
});
