// What is asked for again and again: REST lists that have no feed.
import { api, Problem } from "./api";
import { feed } from "./live.svelte";

export interface Polled<T> {
  data: T | null;
  /** Why the last try failed; nothing if it did not. */
  problem: Problem | null;
  /** When data came last. */
  atMs: number;
  again(): Promise<void>;
}

/**
 * Asks for a path every so often while the component lives and the page is seen. The path is asked for anew whenever what
 * it is made of changes; none asks for nothing. Call it while a component is made.
 */
export function poll<T>(path: () => string | null, everyMs = 2_000): Polled<T> {
  const polled = $state<{ data: T | null; problem: Problem | null; atMs: number }>({ data: null, problem: null, atMs: 0 });
  let turn = 0;

  async function ask(): Promise<void> {
    const wanted = path();
    const mine = ++turn;
    if (wanted === null) {
      polled.data = null;
      polled.problem = null;
      return;
    }
    try {
      const data = await api<T>(wanted);
      if (mine !== turn) return;
      polled.data = data;
      polled.problem = null;
      polled.atMs = Date.now();
      if (feed.state === "off") feed.lastMs = polled.atMs;
    } catch (error) {
      if (mine !== turn) return;
      polled.problem = error instanceof Problem ? error : new Problem(0, "Failed", String(error));
    }
  }

  $effect(() => {
    path();
    void ask();
    if (everyMs <= 0) return;
    const timer = setInterval(() => {
      if (!document.hidden) void ask();
    }, everyMs);
    return () => {
      clearInterval(timer);
      turn += 1;
    };
  });

  return {
    get data() {
      return polled.data;
    },
    get problem() {
      return polled.problem;
    },
    get atMs() {
      return polled.atMs;
    },
    again: ask,
  };
}
