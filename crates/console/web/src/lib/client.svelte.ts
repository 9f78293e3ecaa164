// SMPP sessions of this page, over the relay of the server: one WebSocket is one session. They live on when another page
// of the console is opened, and end with the tab. Passwords are nowhere but in memory.
import { Chat, type LogRow, type Said } from "./chat";
import type { Draft } from "./form";
import type { Form } from "./pdu";
import { Ring } from "./ring";

export interface Profile {
  name: string;
  host: string;
  port: number;
  tls: boolean;
  any_certificate: boolean;
  version: string;
  bind: "transceiver" | "transmitter" | "receiver" | "none";
  system_id: string;
  system_type: string;
  address_range: string;
  enquire_link_seconds: number;
  answer: "auto" | "manual" | "none";
}

export type Standing = "none" | "connecting" | "open" | "bound_tx" | "bound_rx" | "bound_trx" | "unbound" | "closed";
export type What = { pdu: Form } | { hex: string };
export type Step = { send: What } | { expect: string; within_ms?: number } | { wait_ms: number };
export interface Ended { step: number; ok: boolean; detail: string; done: boolean }

interface Say {
  state?: Standing;
  detail?: string;
  peer?: string;
  system_id?: string;
  sc_interface_version?: number;
  pdus?: Omit<LogRow, "lane" | "key">[];
  skipped?: number;
  repeat?: { sent: number; answered: number; failed: number; done: boolean };
  script?: Ended;
  error?: string;
  key?: string;
}

/** What all sessions of the page sent and got. */
export const log = new Ring<LogRow>(20_000);
const chat = new Chat();
export const talk = $state<{ said: Said[]; skipped: number; count: number }>({ said: [], skipped: 0, count: 0 });
let keys = 0;

export function clearLog(): void {
  log.clear();
  chat.said.length = 0;
  talk.said = [];
  talk.skipped = 0;
  talk.count = 0;
}

export const standard: Profile = { name: "", host: "127.0.0.1", port: 2775, tls: false, any_certificate: false, version: "3.4", bind: "transceiver", system_id: "smppkit", system_type: "", address_range: "", enquire_link_seconds: 30, answer: "auto" };

export class Session {
  settings = $state<Profile>({ ...standard });
  password = $state("");
  /** What is being written, and the PDUs that were written before it. */
  draft = $state<Draft | null>(null);
  readonly drafts: Record<string, Draft> = {};
  script = $state<Step[]>([]);
  state = $state<Standing>("none");
  detail = $state("");
  peer = $state("");
  mc = $state("");
  version = $state<number | null>(null);
  /** What was asked for and not done. */
  error = $state("");
  sinceMs = $state(0);
  inFlight = $state(0);
  repeat = $state<Say["repeat"] | null>(null);
  steps = $state<Ended[]>([]);
  playing = $state(false);
  /** Whether it was bound before it closed. */
  wasBound = $state(false);
  private socket: WebSocket | null = null;
  private readonly open = new Set<number>();

  constructor(readonly lane: number) {}

  get isBound(): boolean {
    return this.state.startsWith("bound_");
  }
  get isOpen(): boolean {
    return this.isBound || this.state === "open" || this.state === "unbound";
  }

  connect(): void {
    this.socket?.close();
    Object.assign(this, { state: "connecting", detail: "", error: "", peer: "", mc: "", version: null, inFlight: 0, repeat: null, steps: [], playing: false, wasBound: false });
    this.open.clear();
    const made = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/client`);
    this.socket = made;
    const { name: _, ...settings } = $state.snapshot(this.settings);
    const { password } = this;
    made.onopen = () => made.send(JSON.stringify({ connect: { ...settings, password } }));
    made.onmessage = (event: MessageEvent<string>) => {
      if (this.socket === made) this.hear(JSON.parse(event.data) as Say);
    };
    made.onclose = (event) => {
      if (this.socket !== made) return;
      this.socket = null;
      if (this.state === "connecting" && !this.error) this.error = event.reason || "This server does not open a session: all of its places may be taken, or the sign-in has ended.";
      if (this.state !== "closed") this.stand("closed", event.reason || (this.detail && this.state !== "connecting" ? this.detail : "the connection to this server ended"));
    };
  }

  private stand(state: Standing, detail: string): void {
    if (this.isBound) this.wasBound = true;
    if (state !== this.state) this.sinceMs = Date.now();
    this.state = state;
    this.detail = detail;
    if (state === "closed") {
      this.inFlight = 0;
      this.playing = false;
      this.open.clear();
    }
  }

  private hear(say: Say): void {
    if (say.state !== undefined) {
      this.stand(say.state, say.detail ?? "");
      if (say.peer) this.peer = say.peer;
      if (say.system_id !== undefined) this.mc = say.system_id;
      if (say.sc_interface_version !== undefined) this.version = say.sc_interface_version;
    }
    if (say.pdus) {
      const rows = say.pdus.map((row) => ({ ...row, lane: this.lane, key: `${this.lane}-${(keys += 1)}` }));
      let isNews = false;
      for (const row of rows) {
        isNews = chat.take(row) || isNews;
        if (row.sequence_number === null || row.command_id === null) continue;
        const isResponse = row.command_id >= 0x80000000;
        if (row.direction === "out" && !isResponse) this.open.add(row.sequence_number);
        else if (row.direction === "in" && isResponse) this.open.delete(row.sequence_number);
      }
      this.inFlight = this.open.size;
      log.push(rows);
      talk.count += rows.length;
      talk.skipped += say.skipped ?? 0;
      if (isNews) talk.said = chat.said.map((each) => ({ ...each }));
    }
    if (say.repeat) this.repeat = say.repeat;
    if (say.script) {
      this.steps = [...this.steps, say.script];
      if (say.script.done) this.playing = false;
    }
    if (say.error !== undefined) {
      this.error = say.error;
      if (this.playing && this.steps.length === 0) this.playing = false;
    }
  }

  private tell(message: unknown): void {
    this.error = "";
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    else this.error = "There is no connection. Connect first.";
  }
  send(what: What): void {
    this.tell({ send: what });
  }
  again(what: What, count: number, rate: number, window: number): void {
    this.repeat = { sent: 0, answered: 0, failed: 0, done: false };
    this.tell({ repeat: { ...what, count, rate, window } });
  }
  play(steps: Step[]): void {
    this.steps = [];
    this.playing = true;
    this.tell({ script: steps });
  }
  stop(): void {
    this.tell({ stop: true });
  }
  unbind(): void {
    this.tell({ unbind: true });
  }
  close(): void {
    if (this.socket) this.tell({ close: true });
  }
}

export const sessions = [new Session(1), new Session(2)] as const;

const KEY = "client-profiles";
export const profiles = $state<{ list: Profile[] }>({ list: [] });
try {
  const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
  if (Array.isArray(kept)) profiles.list = kept.map((each: Partial<Profile>) => ({ ...standard, ...each }));
} catch {
  // What is there is not ours; it is written anew.
}

/** Keeps a profile under its name. It has no password. */
export function keep(profile: Profile): void {
  profiles.list = [...profiles.list.filter(({ name }) => name !== profile.name), { ...profile }].sort((a, b) => a.name.localeCompare(b.name));
  localStorage.setItem(KEY, JSON.stringify(profiles.list));
}
export function forget(name: string): void {
  profiles.list = profiles.list.filter((each) => each.name !== name);
  localStorage.setItem(KEY, JSON.stringify(profiles.list));
}
