import { afterEach, expect, it, vi } from "vitest";
import { checkSoon, takesCheck } from "./check";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("asks only a server that knows the question", () => {
  expect(takesCheck({ parameters: [{ name: "If-Match" }, { name: "check" }] })).toBe(true);
  expect([takesCheck({ parameters: [{ name: "If-Match" }] }), takesCheck({}), takesCheck(undefined)]).toEqual([false, false, false]);
});

it("asks in a moment, tells what is wrong, and nothing once it is called off", async () => {
  vi.useFakeTimers();
  const asked = vi.fn(async (path: string) => new Response(JSON.stringify({ detail: "no port" }), { status: path.includes("bad") ? 422 : 200, headers: { "content-type": "application/json" } }));
  vi.stubGlobal("fetch", asked);
  const told: string[] = [];
  const ask = (path: string): (() => void) => checkSoon(path, {}, () => told.push(`${path} right`), ({ detail }) => told.push(`${path} ${detail}`));
  ask("/bad");
  ask("/good");
  ask("/gone")();
  expect(asked).not.toHaveBeenCalled();
  await vi.runAllTimersAsync();
  await vi.waitFor(() => expect(told.sort()).toEqual(["/bad no port", "/good right"]));
  expect(asked.mock.calls.map(([path]) => path)).toEqual(["/bad?check=true", "/good?check=true"]);
});
