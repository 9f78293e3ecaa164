// Requests to the server that served the pages.

/** What went wrong, as the server says it (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** Further fields of the kind, such as `field` or `revision`. */
    readonly more: Record<string, unknown> = {},
  ) {
    super(detail || title);
  }
}

let csrf = "";
/** Sent with each request that changes something. */
export function setCsrf(token: string): void {
  csrf = token;
}

let askSignIn: () => void = () => {};
/** Called when the server wants to know who asks. */
export function onSignedOut(ask: () => void): void {
  askSignIn = ask;
}

export interface Request {
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Gets the headers of the answer. */
  told?: (headers: Headers) => void;
}

/** A request; the answer's JSON, or a thrown `Problem`. */
export async function api<T>(path: string, { method = "GET", body, signal, headers: further, told }: Request = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json", ...further };
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "No answer", "The server does not answer.");
  }
  told?.(response.headers);
  const text = await response.text();
  if (response.ok) return (text && response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text) as T;
  if (response.status === 401 && path !== "/api/v1/session") askSignIn();
  let said: { title?: string; detail?: string } = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // Not ours: a proxy between, perhaps.
  }
  throw new Problem(response.status, said.title ?? response.statusText, said.detail ?? text.slice(0, 200), said as Record<string, unknown>);
}

export const post = <T>(path: string, body?: unknown): Promise<T> => api<T>(path, { method: "POST", body });
export const put = <T>(path: string, body: unknown): Promise<T> => api<T>(path, { method: "PUT", body });
export const del = <T>(path: string): Promise<T> => api<T>(path, { method: "DELETE" });

/** A query string of what is given; empty if nothing is. */
export function query(pairs: Record<string, string | number | boolean | null | undefined>): string {
  const given = Object.entries(pairs).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}
