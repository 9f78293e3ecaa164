// The live feed: one WebSocket for all subscriptions of the page, made anew when it breaks.
import { has } from "./server.svelte";

export interface Batch<T> {
  items: T[];
  skipped: number;
}

export interface Subscription {
  pause(): void;
  resume(): void;
  close(): void;
}

interface Wanted {
  topic: string;
  filter: Record<string, string>;
  paused: boolean;
  take: (batch: Batch<never>) => void;
  failed: (why: string) => void;
}

/** How the feed is; the foot of the page says it. */
export const feed = $state<{
  state: "off" | "live" | "paused" | "reconnecting";
  tries: number;
  lastMs: number;
  perSecond: number;
  skipped: number;
}>({ state: "off", tries: 0, lastMs: 0, perSecond: 0, skipped: 0 });

const wanted = new Map<number, Wanted>();
let socket: WebSocket | null = null;
let nextId = 1;
let timer = 0;
let counted = 0;

setInterval(() => {
  feed.perSecond = counted;
  counted = 0;
}, 1_000);

/** Asks for a topic of the live feed, on and on. */
export function subscribe<T>(
  topic: string,
  filter: Record<string, string>,
  take: (batch: Batch<T>) => void,
  failed: (why: string) => void = () => {},
): Subscription {
  const id = nextId++;
  const entry: Wanted = { topic, filter, paused: false, take: take as Wanted["take"], failed };
  wanted.set(id, entry);
  if (socket?.readyState === WebSocket.OPEN) ask(id, entry);
  else connect();
  const tell = (message: unknown): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  return {
    pause() {
      entry.paused = true;
      tell({ pause: id });
      show();
    },
    resume() {
      entry.paused = false;
      tell({ resume: id });
      show();
    },
    close() {
      wanted.delete(id);
      tell({ unsubscribe: id });
      if (wanted.size === 0) {
        clearTimeout(timer);
        socket?.close();
        socket = null;
        feed.state = "off";
        feed.skipped = 0;
      } else show();
    },
  };
}

function ask(id: number, { topic, filter, paused }: Wanted): void {
  socket?.send(JSON.stringify({ subscribe: { id, topic, filter } }));
  if (paused) socket?.send(JSON.stringify({ pause: id }));
}

function show(): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const tables = [...wanted.values()].filter((entry) => entry.topic !== "stats");
  feed.state = tables.length > 0 && tables.every((entry) => entry.paused) ? "paused" : "live";
}

function connect(): void {
  if (!has("/api/v1/live") || (socket && socket.readyState <= WebSocket.OPEN)) return;
  clearTimeout(timer);
  const made = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
  socket = made;
  made.onopen = () => {
    feed.tries = 0;
    for (const [id, entry] of wanted) ask(id, entry);
    show();
  };
  made.onmessage = (event: MessageEvent<string>) => {
    const said = JSON.parse(event.data) as { id: number; items?: never[]; skipped?: number; error?: string };
    feed.lastMs = Date.now();
    const entry = wanted.get(said.id);
    if (!entry) return;
    if (said.error !== undefined) {
      entry.failed(said.error);
      return;
    }
    const items = said.items ?? [];
    counted += items.length;
    feed.skipped += said.skipped ?? 0;
    entry.take({ items, skipped: said.skipped ?? 0 });
  };
  made.onclose = () => {
    if (socket !== made || wanted.size === 0) return;
    socket = null;
    feed.state = "reconnecting";
    feed.tries += 1;
    timer = window.setTimeout(connect, Math.min(10_000, 250 * 2 ** Math.min(feed.tries, 6)) * (0.75 + Math.random() / 2));
  };
}
