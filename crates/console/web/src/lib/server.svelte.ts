// What this server is and can do. Pages are there if its OpenAPI document lists what they need.
import { api, onSignedOut, post, Problem, setCsrf } from "./api";

export interface Session {
  role: "admin" | "viewer";
  csrf: string;
  sign_in: "open" | "required";
  name: string;
  version: string;
  /** Networks that a client in the pages may connect to. */
  client_targets?: string[] | null;
}

export interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  operationId?: string;
  [key: string]: unknown;
}

export interface Document {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, unknown> };
}

export const server = $state<{
  state: "loading" | "signed-out" | "ready" | "failed";
  session: Session | null;
  document: Document | null;
  problem: string;
}>({ state: "loading", session: null, document: null, problem: "" });

onSignedOut(() => {
  if (server.state === "ready") server.state = "signed-out";
});

/** Finds out who we are and what there is. */
export async function start(): Promise<void> {
  try {
    const secret = new URLSearchParams(location.hash.slice(1)).get("secret");
    if (secret) {
      // It must not stay in the history, nor be seen over a shoulder.
      history.replaceState(null, "", location.pathname + location.search);
      await post<Session>("/api/v1/session", { secret }).catch(() => {});
    }
    const session = await api<Session>("/api/v1/session");
    setCsrf(session.csrf);
    server.session = session;
    server.document = await api<Document>("/openapi.json");
    server.state = "ready";
  } catch (error) {
    if (error instanceof Problem && error.status === 401) server.state = "signed-out";
    else {
      server.problem = error instanceof Error ? error.message : String(error);
      server.state = "failed";
    }
  }
}

export async function signIn(secret: string): Promise<void> {
  await post<Session>("/api/v1/session", { secret });
  await start();
}

export async function signOut(): Promise<void> {
  await api("/api/v1/session", { method: "DELETE" });
  server.state = "signed-out";
}

/** Whether the server lists an operation. */
export function has(path: string, method = "get"): boolean {
  return server.document?.paths[path]?.[method] !== undefined;
}

/** Whether we may change things. */
export const isAdmin = (): boolean => server.session?.role === "admin";

/** What runs here: gateway, simulator, console, demo. */
export const runs = (): string => server.session?.name ?? (server.document?.info.title ?? "").replace(/^smppkit /, "");
