import { describe, expect, it } from "vitest";
import { blamed, changes, example, faults, kindOf, markdown, resolve, same, typeWords, Unread, type Schema, type Schemas } from "./schema";

const all: Schemas = {
  Span: { type: "string", format: "span" },
  Tls: { type: "object", properties: { ca: { type: ["string", "null"], default: null } } },
  Alphabet: { type: "string", enum: ["gsm", "latin1"] },
  Patterns: { anyOf: [{ type: "string" }, { type: "number" }, { type: "array", items: { type: "string" } }] },
  Target: { anyOf: [{ type: "string" }, { type: "object", properties: { name: { type: "string" } } }] },
};
const schema: Schema = {
  required: ["name"],
  properties: {
    name: { type: "string", maxLength: 5 },
    reconnect: { $ref: "#/components/schemas/Span" },
    tls: { oneOf: [{ $ref: "#/components/schemas/Tls" }, { type: "null" }] },
    alphabet: { $ref: "#/components/schemas/Alphabet", default: "gsm" },
    hours: { $ref: "#/components/schemas/Patterns" },
    to: { type: "array", items: { $ref: "#/components/schemas/Target" } },
    throughput: { type: ["number", "null"], minimum: 0.001, maximum: 100 },
    password: { type: "string", writeOnly: true },
    binds: { type: "object", properties: { sessions: { type: "integer", minimum: 0 } } },
    udh: { type: ["boolean", "null"] },
    sources: { type: "object" },
  },
};

describe("schemas", () => {
  it("give each setting its control", () => {
    const kinds = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, kindOf(resolve(each, all), all)]));
    expect(kinds).toEqual({ name: "text", reconnect: "text", tls: "group", alphabet: "choice", hours: "lines", to: "targets", throughput: "number", password: "secret", binds: "group", udh: "maybe", sources: "json" });
  });
  it("say what cannot be right", () => {
    expect(faults({ reconnect: "5x", throughput: 0, binds: { sessions: 1.5 }, sources: new Unread("{", "is no JSON") }, schema, all)).toEqual({
      name: "is needed", reconnect: "is not a time such as 500ms, 1.5s, 2m, 1h, 1d", throughput: "is not 0.001 to 100", "binds.sessions": "is not a whole number", sources: "is no JSON",
    });
    expect(faults({ name: "ééé" }, schema, all)).toEqual({ name: "is longer than 5 octets" });
  });
  it("find what differs and pass over what means the same", () => {
    expect(changes({ name: "a", hours: "08:00-20:00", binds: { sessions: 1 } }, { name: "a", hours: ["08:00-20:00"], alphabet: "gsm", tls: null, binds: { sessions: 2 } }, schema, all)).toEqual([{ path: "binds.sessions", from: 1, to: 2 }]);
    expect(same({ a: 1, b: null }, { a: 1 })).toBe(true);
  });
  it("find the setting that a problem is about", () => {
    const ask = (detail: string, value = {}, field?: string): string | null => blamed(detail, field, value, schema, all);
    expect(ask("missing field `name`")).toBe("name");
    expect(ask("the password is longer than 8 octets")).toBe("password");
    expect(ask('"25" is no span of hours', { hours: ["25"] })).toBe("hours");
    expect(ask("unknown variant `foo`, expected one of `gsm`, `latin1`", { alphabet: "foo" })).toBe("alphabet");
    expect(ask("anything", {}, "[0].throughput")).toBe("throughput");
    expect(ask("something else")).toBe(null);
  });
  it("make examples and say types", () => {
    expect(example(schema, all)).toMatchObject({ name: "string", alphabet: "gsm", throughput: 0.001, binds: { sessions: 0 } });
    expect(example(schema, all, 0, true)).toEqual({ name: "string" });
    expect(typeWords(schema.properties?.to, all)).toBe("list of string or object");
  });
  it("read light markdown", () => {
    expect(markdown("One `two`\nthree\n\nfour")).toEqual([[{ code: false, block: false, text: "One " }, { code: true, block: false, text: "two" }, { code: false, block: false, text: " three" }], [{ code: false, block: false, text: "four" }]]);
  });
});
