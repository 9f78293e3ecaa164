// JSON schemas of the OpenAPI document, as forms need them: what kind of control a setting takes, whether a value can be
// right, what differs.

export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  format?: string;
  writeOnly?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  title?: string;
}

export type Schemas = Record<string, Schema>;
export type Kind = "switch" | "maybe" | "choice" | "number" | "text" | "secret" | "lines" | "choices" | "group" | "json" | "targets";
export type Settings = Record<string, unknown>;

const nameOf = (ref: string): string => ref.replace(/^.*\//, "");

/** What a reference stands for; what stands beside the reference goes before. */
export function resolve(schema: Schema | undefined, all: Schemas, depth = 0): Schema {
  if (!schema || depth > 8) return {};
  const { $ref, ...own } = schema;
  if ($ref) return { ...resolve(all[nameOf($ref)], all, depth + 1), ...own };
  const options = schema.oneOf ?? schema.anyOf;
  const some = options?.filter((option) => option.type !== "null");
  // `oneOf: [a reference, null]` is how an optional part is written.
  if (some?.length === 1 && options && some.length < options.length) {
    const { oneOf: _one, anyOf: _any, ...rest } = schema;
    const found = resolve(some[0], all, depth + 1);
    return { ...found, ...rest, type: [...types(found), "null"] };
  }
  if (schema.allOf?.length === 1) {
    const { allOf, ...rest } = schema;
    return { ...resolve(allOf[0], all, depth + 1), ...rest };
  }
  return schema;
}

export const types = (schema: Schema): string[] => (schema.type === undefined ? [] : Array.isArray(schema.type) ? schema.type : [schema.type]);
export const nullable = (schema: Schema): boolean => types(schema).includes("null");

/** The control that a setting takes. */
export function kindOf(schema: Schema, all: Schemas): Kind {
  if (schema.writeOnly) return "secret";
  const [type] = types(schema).filter((each) => each !== "null");
  if (schema.enum) return "choice";
  if (type === "boolean") return nullable(schema) ? "maybe" : "switch";
  if (type === "integer" || type === "number") return "number";
  if (type === "string") return "text";
  if (schema.anyOf?.some((option) => types(resolve(option, all)).includes("array"))) return "lines";
  if (type === "array") {
    const items = resolve(schema.items, all);
    if (items.enum) return "choices";
    if (items.anyOf?.some((option) => option.properties?.name)) return "targets";
    if (types(items)[0] === "string") return "lines";
  }
  if (type === "object" && schema.properties) return "group";
  return "json";
}

/** What a setting is where it is not given, as far as the schema says it. */
export const initial = (schema: Schema): unknown => (schema.default === undefined ? (nullable(schema) ? null : undefined) : schema.default);

const octets = new TextEncoder();
const SPAN = /^(\d+(\.\d+)?)(ms|s|m|h|d)?$/;

/** Why a value cannot be right, as far as the schema tells. */
export function wrong(value: unknown, schema: Schema, isNeeded: boolean): string | null {
  if (value === undefined || value === null || value === "") return isNeeded ? "is needed" : null;
  const allowed = types(schema);
  if (allowed.includes("integer") || allowed.includes("number")) {
    if (typeof value !== "number" || !Number.isFinite(value)) return "is no number";
    if (allowed.includes("integer") && !Number.isInteger(value)) return "is not a whole number";
    const low = schema.minimum ?? -Infinity;
    const high = schema.maximum ?? Infinity;
    if (value < low || value > high) return high === Infinity ? `is less than ${low}` : low === -Infinity ? `is more than ${high}` : `is not ${low} to ${high}`;
  }
  if (typeof value === "string") {
    if (schema.maxLength !== undefined && octets.encode(value).length > schema.maxLength) return `is longer than ${schema.maxLength} octets`;
    if (schema.format === "span" && !SPAN.test(value.trim())) return "is not a time such as 500ms, 1.5s, 2m, 1h, 1d";
    if (schema.enum && !schema.enum.includes(value)) return "is none of the choices";
  }
  return null;
}

/** All that cannot be right, by the path of the setting: `binds.sessions`. */
export function faults(value: Settings, schema: Schema, all: Schemas, at = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, written] of Object.entries(schema.properties ?? {})) {
    const own = resolve(written, all);
    const path = at + name;
    const given = value[name];
    if (given instanceof Unread) {
      found[path] = given.why;
      continue;
    }
    const why = wrong(given, own, schema.required?.includes(name) ?? false);
    if (why) found[path] = why;
    else if (own.properties && given !== null && typeof given === "object") Object.assign(found, faults(given as Settings, own, all, `${path}.`));
  }
  return found;
}

/** What somebody wrote and nobody can read, kept so that it can be mended. */
export class Unread {
  constructor(
    readonly text: string,
    readonly why: string,
  ) {}
}

/** The same for what means the same: a list of one and the one, the order of keys. */
export function same(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}
function canonical(value: unknown): string {
  if (value instanceof Unread) return `unread ${value.text}`;
  if (value === undefined || value === null) return "null";
  if (Array.isArray(value)) return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).join()}]`;
  if (typeof value === "object")
    return `{${Object.entries(value).filter(([, each]) => each !== undefined && each !== null).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => `${key}:${canonical(each)}`).join()}}`;
  return JSON.stringify(value);
}

export interface Change {
  path: string;
  from: unknown;
  to: unknown;
}

/** What differs, part by part. */
export function changes(from: Settings, to: Settings, schema: Schema, all: Schemas, at = ""): Change[] {
  const found: Change[] = [];
  for (const name of new Set([...Object.keys(schema.properties ?? {}), ...Object.keys(from), ...Object.keys(to)])) {
    const own = resolve(schema.properties?.[name], all);
    const [before, after] = [from[name] ?? initial(own), to[name] ?? initial(own)];
    if (same(before, after)) continue;
    const both = [before, after];
    if (own.properties && both.every((each) => each !== null && typeof each === "object" && !(each instanceof Unread)))
      found.push(...changes(before as Settings, after as Settings, own, all, `${at}${name}.`));
    else found.push({ path: at + name, from: before, to: after });
  }
  return found;
}

/** A value on one line. */
export function shown(value: unknown, isSecret = false): string {
  if (value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)) return "";
  if (isSecret) return "••••••••";
  if (value instanceof Unread) return value.text;
  if (Array.isArray(value)) return value.map((each) => shown(each)).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/** The setting that a problem is about: the one it names, or the one whose value it quotes. */
export function blamed(detail: string, field: unknown, value: Settings, schema: Schema, all: Schemas): string | null {
  const paths: { path: string; name: string; given: unknown; choices: unknown[] | undefined }[] = [];
  const walk = (given: Settings, of: Schema, at: string): void => {
    for (const [name, written] of Object.entries(of.properties ?? {})) {
      const own = resolve(written, all);
      const inside = given[name];
      paths.push({ path: at + name, name, given: inside, choices: own.enum });
      if (own.properties) walk(inside !== null && typeof inside === "object" ? (inside as Settings) : {}, own, `${at}${name}.`);
    }
  };
  walk(value, schema, "");
  if (typeof field === "string") {
    const named = paths.find(({ path }) => path === field) ?? paths.find(({ name }) => field.split(/[.[\]]+/).includes(name));
    if (named) return named.path;
  }
  let first: { path: string; at: number; length: number } | null = null;
  for (const { path, name } of paths) {
    const at = detail.search(new RegExp(`(?<![\\w"])${name}(?![\\w"])`));
    if (at >= 0 && (!first || at < first.at || (at === first.at && name.length > first.length))) first = { path, at, length: name.length };
  }
  // A list of what there is names fields, too, that are well.
  if (first && !/expected (one of )?`/.test(detail.slice(0, first.at))) return first.path;
  for (const quoted of detail.matchAll(/["`]([^"`]*)["`]/g)) {
    const said = quoted[1] ?? "";
    const found = paths.find(({ given }) => given === said || (Array.isArray(given) && given.includes(said)) || (given !== null && typeof given === "object" && !(given instanceof Unread) && JSON.stringify(given).includes(JSON.stringify(said))));
    if (found) return found.path;
    const choice = paths.find(({ choices }) => choices?.includes(said));
    if (choice) return choice.path;
  }
  return null;
}

/** A value made up by a schema, to begin from; of an object all fields, or those that it needs. */
export function example(schema: Schema | undefined, all: Schemas, depth = 0, needs = false): unknown {
  const own = resolve(schema, all);
  if (own.example !== undefined) return own.example;
  if (own.examples?.length) return own.examples[0];
  if (own.default !== undefined) return own.default;
  if (own.const !== undefined) return own.const;
  if (own.enum) return own.enum[0];
  if (depth > 5) return null;
  const options = own.oneOf ?? own.anyOf;
  if (options) return example(options[0], all, depth + 1, needs);
  if (own.allOf) return Object.assign({}, ...own.allOf.map((part) => example(part, all, depth + 1, needs))) as unknown;
  const [type] = types(own);
  if (type === "object" || own.properties)
    return Object.fromEntries(Object.entries(own.properties ?? {}).filter(([name]) => !needs || !own.required || own.required.includes(name)).map(([name, part]) => [name, example(part, all, depth + 1, needs)]));
  if (type === "array") return own.items ? [example(own.items, all, depth + 1, needs)] : [];
  if (type === "integer" || type === "number") return own.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "null") return null;
  return type === "string" ? "string" : null;
}

/** The type of a schema in a few words. */
export function typeWords(schema: Schema | undefined, all: Schemas): string {
  if (!schema) return "";
  if (schema.$ref && !all[nameOf(schema.$ref)]?.enum) {
    const inner = resolve(schema, all);
    if (inner.properties) return nameOf(schema.$ref);
  }
  const own = resolve(schema, all);
  if (own.enum) return own.enum.map(String).join(" | ");
  const options = own.oneOf ?? own.anyOf;
  if (options) return [...new Set(options.map((option) => typeWords(option, all)))].join(" or ");
  const [type] = types(own).filter((each) => each !== "null");
  const words = type === "array" ? `list of ${typeWords(own.items, all) || "anything"}` : (type ?? (own.properties ? "object" : "anything"));
  const said = own.format && type === "string" ? `${words}, ${own.format}` : words;
  return nullable(own) ? `${said} or null` : said;
}

/** Light markdown as parts: paragraphs of words and `code`. */
export function markdown(text: string): { code: boolean; block: boolean; text: string }[][] {
  const paragraphs: { code: boolean; block: boolean; text: string }[][] = [];
  text.split(/^```[^\n]*$/m).forEach((piece, at) => {
    if (at % 2 === 1) {
      paragraphs.push([{ code: true, block: true, text: piece.replace(/^\n|\n$/g, "") }]);
      return;
    }
    for (const paragraph of piece.split(/\n\s*\n/)) {
      const line = paragraph.replace(/\s*\n\s*/g, " ").trim();
      if (!line) continue;
      paragraphs.push(line.split("`").map((part, odd) => ({ code: odd % 2 === 1, block: false, text: part })).filter((part) => part.text));
    }
  });
  return paragraphs;
}
