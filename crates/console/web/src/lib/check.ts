// Whether a change could be made, asked before it is: settings have rules that no schema tells.
import { api, Problem } from "./api";

/** Whether a server can be asked; an older one would make the change. */
export const takesCheck = (operation: unknown): boolean => (operation as { parameters?: { name: string }[] } | undefined)?.parameters?.some(({ name }) => name === "check") ?? false;

/** Asks in a moment; what is returned calls it off. */
export function checkSoon(path: string, body: unknown, right: () => void, wrong: (problem: Problem) => void): () => void {
  let isGone = false;
  const ask = async (): Promise<void> => {
    try {
      await api(`${path}?check=true`, { method: "PUT", body });
      if (!isGone) right();
    } catch (error) {
      if (!isGone && error instanceof Problem && [409, 422].includes(error.status)) wrong(error);
    }
  };
  const soon = setTimeout(() => void ask(), 500);
  return () => {
    isGone = true;
    clearTimeout(soon);
  };
}
