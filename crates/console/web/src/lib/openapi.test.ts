import { describe, expect, it } from "vitest";
import { byAnchor, curl, operations, pretty, url } from "./openapi";

const all = operations({
  "/a": { get: { operationId: "list", tags: ["x"] }, put: { operationId: "put_a", tags: ["x"] } },
  "/b/{id}": { get: { operationId: "list", tags: ["y"], parameters: [{ name: "id", in: "path" }, { name: "q", in: "query" }] } },
  "/c": { post: { tags: ["x"] } },
});

describe("operations", () => {
  it("have fragments of their own, in order of their tags", () => {
    expect(all.map(({ anchor }) => anchor)).toEqual(["x.list", "put_a", "post:/c", "y.list"]);
    expect(byAnchor(all, "#y.list")?.path).toBe("/b/{id}");
    expect(byAnchor(all, "#list")?.path).toBe("/a");
    expect(byAnchor(all, "")).toBe(undefined);
  });
  it("become URLs and command lines", () => {
    const operation = byAnchor(all, "y.list");
    expect(operation && url(operation, { "path id": "a/b", "query q": "x y" })).toBe("/b/a%2Fb?q=x%20y");
    expect(curl("PUT", "http://h/a", { "content-type": "text/csv" }, "it's", false)).toBe("curl -X PUT 'http://h/a' -H 'content-type: text/csv' -d 'it'\\''s'");
  });
  it("show JSON as it came", () => {
    expect(pretty('{"a":12345678901234567890,"b":[],"c":[1,"x,{"]}')).toBe('{\n  "a": 12345678901234567890,\n  "b": [],\n  "c": [\n    1,\n    "x,{"\n  ]\n}');
    expect(pretty("no json")).toBe("no json");
  });
});
