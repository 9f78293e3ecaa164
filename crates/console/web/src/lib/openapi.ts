// The operations of an OpenAPI document, as the reference page shows them and tries them out.
import type { Schema } from "./schema";

export interface Parameter { name: string; in: "path" | "query" | "header" | "cookie"; description?: string; required?: boolean; schema?: Schema }
export interface Content { schema?: Schema; example?: unknown }
export interface Answer { description?: string; headers?: Record<string, { description?: string; schema?: Schema }>; content?: Record<string, Content> }
export interface Written {
  tags?: string[];
  summary?: string;
  description?: string;
  operationId?: string;
  deprecated?: boolean;
  parameters?: Parameter[];
  requestBody?: { description?: string; required?: boolean; content?: Record<string, Content> };
  responses?: Record<string, Answer>;
}
export interface Operation extends Written {
  method: string;
  path: string;
  tag: string;
  /** What stands in the fragment of its URL. */
  anchor: string;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;
const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

/** All operations, by tag as they come; each has a fragment of its own, its operationId where no other has that. */
export function operations(paths: Record<string, Record<string, unknown>>): Operation[] {
  const found: Operation[] = [];
  for (const [path, item] of Object.entries(paths)) {
    const shared = (item.parameters as Parameter[] | undefined) ?? [];
    for (const method of METHODS) {
      const written = item[method] as Written | undefined;
      if (!written) continue;
      found.push({ ...written, parameters: [...shared, ...(written.parameters ?? [])], method, path, tag: written.tags?.[0] ?? "other", anchor: "" });
    }
  }
  const taken = new Map<string, number>();
  for (const { operationId } of found) if (operationId) taken.set(operationId, (taken.get(operationId) ?? 0) + 1);
  const used = new Set<string>();
  for (const operation of found) {
    const { operationId, tag, method, path } = operation;
    const own = operationId ? (taken.get(operationId) === 1 ? operationId : `${tag}.${operationId}`) : "";
    operation.anchor = own && !used.has(own) ? own : `${method}:${path}`;
    used.add(operation.anchor);
  }
  const tags = [...new Set(found.map(({ tag }) => tag))];
  return found.sort((one, other) => tags.indexOf(one.tag) - tags.indexOf(other.tag));
}

/** The operation that a fragment names. */
export const byAnchor = (all: Operation[], hash: string): Operation | undefined => {
  let wanted = hash.replace(/^#/, "");
  try {
    wanted = decodeURIComponent(wanted);
  } catch {
    // As it is.
  }
  return wanted ? (all.find(({ anchor }) => anchor === wanted) ?? all.find(({ operationId }) => operationId === wanted)) : undefined;
};

/** A path with its parameters and query. */
export function url(operation: Operation, given: Record<string, string>): string {
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(given[`path ${name}`] ?? ""));
  const query = (operation.parameters ?? []).filter((each) => each.in === "query" && (given[`query ${each.name}`] ?? "") !== "");
  const pairs = query.map(({ name }) => `${encodeURIComponent(name)}=${encodeURIComponent(given[`query ${name}`] ?? "")}`);
  return path + (pairs.length ? `?${pairs.join("&")}` : "");
}

const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;

/** The same request on a command line. */
export function curl(method: string, address: string, headers: Record<string, string>, body: string | undefined, isSigned: boolean): string {
  const parts = ["curl", ...(method === "GET" ? [] : [`-X ${method}`]), quoted(address)];
  if (isSigned) parts.push('-H "authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`-d ${quoted(body)}`);
  return parts.join(" ");
}

/** JSON on one line, each value as it is. Other text stays as it is. */
export function compact(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return (text.match(TOKENS) ?? []).join("");
}

/** JSON in lines, each value exactly as it came: numbers beyond 2^53 stay as they are. Other text stays as it is. */
export function pretty(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const tokens = text.match(TOKENS) ?? [];
  let out = "";
  let depth = 0;
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    const line = (): string => `\n${"  ".repeat(depth)}`;
    if (token === "{" || token === "[") {
      out += token;
      if (next !== "}" && next !== "]") {
        depth += 1;
        out += line();
      }
    } else if (token === "}" || token === "]") {
      if (tokens[at - 1] !== "{" && tokens[at - 1] !== "[") {
        depth -= 1;
        out += line();
      }
      out += token;
    } else if (token === ",") out += `,${line()}`;
    else out += token === ":" ? ": " : token;
  });
  return out;
}
