// The record of PDUs, read on and on: what came since the last look, and no more.
import { api, query } from "./api";
import { subscribe } from "./live.svelte";
import { has } from "./server.svelte";
import { Book, type Exchange, type Recorded } from "./simulator";

const CHUNK = 1_000;
/** Looks between two at how much of it is still there. */
const TRIM = 3;
/** From the feed's word that something came to the look at it. */
const SOON_MS = 200;

interface Pdus {
  items: Recorded[];
  last: number;
  missed: number;
}

export interface Followed {
  readonly exchanges: readonly Exchange[];
  readonly problem: string;
  again(): Promise<void>;
  /** After it was emptied. */
  clear(): void;
}

/**
 * Follows the PDUs of commands while a component lives; of one SMSC if one is named, of none while it is undefined. Call it
 * while it is made. The live feed says when to look; `onnews` is told, too.
 */
export function follow(command: string, smsc: () => string | null | undefined, onnews: () => void = () => {}): Followed {
  let book = new Book();
  let exchanges = $state.raw<readonly Exchange[]>([]);
  let problem = $state("");
  let began = false;
  let looks = 0;
  let busy: Book | null = null;

  async function look(): Promise<void> {
    const mine = book;
    const only = smsc();
    if (busy === mine || only === undefined) return;
    busy = mine;
    try {
      let read = await api<Pdus>(`/api/v1/pdus${query({ command, limit: CHUNK, ...(began ? { after: mine.last } : {}) })}`);
      // More than can be read at once: go on with the latest.
      if (began && read.items.length === CHUNK) read = await api<Pdus>(`/api/v1/pdus${query({ command, limit: CHUNK })}`);
      const seen = mine.last;
      if (mine !== book) return;
      const fresh = read.items.filter((item) => item.number > seen);
      mine.add(only === null ? fresh : fresh.filter((item) => item.smsc === undefined || item.smsc === only), read.last);
      began = true;
      let changed = fresh.length > 0;
      const oldest = mine.exchanges[0]?.request.number;
      if (oldest !== undefined && ++looks % TRIM === 0) {
        const kept = await api<Pdus>(`/api/v1/pdus${query({ command, limit: 1, after: oldest - 1 })}`);
        const first = kept.items[0]?.number ?? 0;
        if (mine === book && first !== oldest) {
          mine.keepFrom(first);
          changed = true;
        }
      }
      if (changed) exchanges = [...mine.exchanges];
      problem = "";
    } catch (error) {
      if (mine === book) problem = error instanceof Error ? error.message : String(error);
    } finally {
      if (busy === mine) busy = null;
    }
  }
  function clear(): void {
    const { last } = book;
    book = new Book();
    book.last = last;
    exchanges = [];
  }

  $effect(() => {
    smsc();
    book = new Book();
    began = false;
    exchanges = [];
    void look();
    const timer = setInterval(() => {
      if (!document.hidden) void look();
    }, 1_000);
    return () => clearInterval(timer);
  });
  $effect(() => {
    if (!has("/api/v1/live")) return;
    let soon = 0;
    const feed = subscribe("pdus", { command }, () => {
      soon ||= window.setTimeout(() => {
        soon = 0;
        void look();
        onnews();
      }, SOON_MS);
    });
    return () => {
      feed.close();
      clearTimeout(soon);
    };
  });
  return {
    get exchanges() {
      return exchanges;
    },
    get problem() {
      return problem;
    },
    again: look,
    clear,
  };
}
