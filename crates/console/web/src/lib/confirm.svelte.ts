// Asked before what cannot be undone: kick, cancel, clear, drain, delete.

export const asked = $state<{ question: string; effect: string; verb: string; answer: ((yes: boolean) => void) | null }>({
  question: "", effect: "", verb: "", answer: null,
});

/** Names the thing and the effect; whether it shall be done. */
export function confirm(question: string, effect: string, verb: string): Promise<boolean> {
  return new Promise((resolve) => {
    Object.assign(asked, {
      question, effect, verb,
      answer: (yes: boolean) => {
        asked.answer = null;
        resolve(yes);
      },
    });
  });
}
