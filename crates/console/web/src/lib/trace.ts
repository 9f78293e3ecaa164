// The PDUs of a message, found in the record by the ids that they carry.
import { api, query } from "./api";
import type { Step, Story } from "./messages";
import type { Kept } from "./pdurow";
import { word } from "./states";

/** What stories need of a PDU of the record. */
export interface Recorded extends Omit<Kept, "summary" | "hex"> {
  connector?: string;
  text?: string | null;
  pdu?: Record<string, unknown>;
}

type Ask = (conditions: Record<string, string | number>) => Promise<Recorded[]>;

/** A few of the record's PDUs that match. */
const record: Ask = async (conditions) => (await api<{ items: Recorded[] }>(`/api/v1/pdus${query({ limit: 40, ...conditions })}`)).items;

const escaped = (id: string): string => id.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
/** How peers write ids: leading zeros come and go, and so do capitals. */
export const pattern = (ids: readonly string[]): string => `/(?i)^0*(${ids.map((id) => escaped(id.replace(/^0+(?=.)/, ""))).join("|")})$/`;
const inText = (ids: readonly string[]): string => `/(?i)^id:0*(${ids.map((id) => escaped(id.replace(/^0+(?=.)/, ""))).join("|")})\\b/`;

const plain = (id: string): string => id.replace(/^0+(?=.)/, "").toLowerCase();

const isAnswer = (pdu: Recorded): boolean => pdu.command?.endsWith("_resp") ?? false;

/** A request is sought so far before its answer. */
const LATE = 10_000;

/** The request that an answer answers, or the answer to a request. */
export async function partner(pdu: Recorded, ask: Ask = record): Promise<Recorded | null> {
  const command = isAnswer(pdu) ? (pdu.command ?? "").replace(/_resp$/, "") : `${pdu.command}_resp`;
  const after = isAnswer(pdu) ? Math.max(0, pdu.number - LATE) : pdu.number;
  const [found] = await ask({ session: pdu.session, sequence_number: pdu.sequence_number, command, direction: pdu.direction === "in" ? "out" : "in", after, limit: 1 });
  return found && (!isAnswer(pdu) || found.number < pdu.number) ? found : null;
}

/** About the last number before a moment, so that the record need not be read from its beginning. */
export async function numberAt(ms: number, last: number, ask: Ask = record): Promise<number> {
  let low = 0;
  let high = last;
  while (high - low > 500) {
    const middle = Math.floor((low + high) / 2);
    const [first] = await ask({ after: middle, limit: 1 });
    if (first && Date.parse(first.time) < ms) low = Math.min(high, first.number);
    else high = middle;
  }
  return low;
}

/** Patterns are no longer than this. */
const LONGEST = 900;

/** What shows a message that carries no id: its addresses and its user data. */
function contentOf({ source_addr, destination_addr, pdu }: Story): Record<string, string> | null {
  const tlvs = Array.isArray(pdu?.["tlvs"]) ? (pdu["tlvs"] as { name?: string; hex?: string }[]) : [];
  const payload = tlvs.find((tlv) => tlv.name === "message_payload")?.hex;
  const short = pdu?.["short_message"];
  const octets = payload ?? (typeof short === "string" ? short : "");
  if (octets === "" || octets.length > LONGEST) return null;
  return { source_addr: exactly(source_addr), destination_addr: exactly(destination_addr), [payload === undefined ? "short_message" : "message_payload"]: octets };
}
/** As a pattern, whatever it holds. */
export const exactly = (text: string): string => (/[*?/!,]|\.\./.test(text) ? `/^${escaped(text)}$/` : text);

/** What is read in full; of more, only as much as it takes to find one of each. */
const LARGE = 50_000;

export interface Traced {
  pdu: Recorded;
  lane: "left" | "right";
  what: "request" | "answer" | "receipt";
  /** What shows that it is this message's. */
  evidence: string;
}

/** All PDUs that the record still has of a message, the oldest first. */
export async function trace(story: Story, ask: Ask = record): Promise<Traced[]> {
  const found = new Map<number, Traced>();
  const [newest] = (await ask({ limit: 1 })).slice(-1);
  if (!newest) return [];
  const earliest = Date.parse(story.accepted) - 2_000;
  const since = await numberAt(earliest, newest.number, ask);
  const isLarge = newest.number - since > LARGE;
  // Where much has passed since, its receipts are sought where it ended, and none that is not there.
  const asksReceipt = (Number(story.pdu?.["registered_delivery"] ?? 1) & 0x1f) !== 0;
  const ended = !isLarge ? since : story.ended ? await numberAt(Date.parse(story.ended) - 2_000, newest.number, ask) : null;
  const limit = isLarge ? 1 : 40;
  const add = async (pdus: Recorded[], lane: Traced["lane"], what: "answer" | "receipt", evidence: (pdu: Recorded) => string): Promise<void> => {
    const mine = pdus.filter((pdu) => !found.has(pdu.number) && Date.parse(pdu.time) >= earliest);
    for (const pdu of mine) found.set(pdu.number, { pdu, lane, what, evidence: evidence(pdu) });
    const others = await Promise.all(mine.map((pdu) => partner(pdu, ask)));
    for (const [at, pdu] of others.entries()) {
      const first = mine[at];
      if (pdu && first && !found.has(pdu.number)) found.set(pdu.number, { pdu, lane, what: what === "receipt" ? "answer" : "request", evidence: what === "receipt" ? "answers the receipt" : `answered with ${evidence(first)}` });
    }
  };
  // What has no id of its own, or was never given one: the same addresses and octets.
  const same = async (lane: Traced["lane"], conditions: Record<string, string | number>): Promise<void> => {
    const content = contentOf(story);
    if (!content) return;
    for (const pdu of await ask({ ...content, ...conditions, limit })) {
      const answer = await partner(pdu, ask);
      const given = answer?.command_status === "ESME_ROK" ? answer.pdu?.["message_id"] : undefined;
      // The same text to the same number, and another message.
      if (story.kind !== "incoming" && typeof given === "string" && given !== "" && !story.remote_ids.some((id) => plain(id) === plain(given))) continue;
      if (!found.has(pdu.number)) found.set(pdu.number, { pdu, lane, what: "request", evidence: "the same addresses and text" });
      if (answer && !found.has(answer.number)) found.set(answer.number, { pdu: answer, lane, what: "answer", evidence: "answers it" });
    }
  };
  // What came later is another message's.
  const soon: Record<string, number> = story.ended ? { until_ms: Date.parse(story.ended) + 1_000 } : {};
  const own = story.told ?? story.message_id;
  const receipts = async (): Promise<void> => {
    if (ended === null || (isLarge && !asksReceipt)) return;
    const told = await ask({ receipted_message_id: pattern([own]), direction: "out", after: ended, limit });
    await add(told.length ? told : await ask({ text: inText([own]), command: "deliver_sm", direction: "out", after: ended, limit }), "left", "receipt", () => (told.length ? `receipted_message_id ${own}` : "id in its text"));
  };
  const arrived = async (): Promise<void> => {
    if (ended === null) return;
    const mine = (pdu: Recorded): boolean => pdu.connector !== undefined && (!story.connector || pdu.connector === story.connector);
    const byTlv = await ask({ receipted_message_id: pattern(story.remote_ids), direction: "in", after: ended, limit });
    const byText = isLarge && byTlv.length ? [] : await ask({ text: inText(story.remote_ids), command: "deliver_sm", direction: "in", after: ended, limit });
    const numbers = new Set(byTlv.map((pdu) => pdu.number));
    await add([...byTlv, ...byText.filter((pdu) => !numbers.has(pdu.number))].filter(mine), "right", "receipt", (pdu) => (numbers.has(pdu.number) ? "receipted_message_id" : "id in its text"));
  };
  if (story.kind === "receipt") await receipts();
  else if (story.kind === "incoming") {
    const around = { from_ms: earliest, until_ms: Date.parse(story.accepted) + 1_000 };
    await Promise.all([
      same("right", { command: "deliver_sm", direction: "in", connector: story.connector ?? "*", ...around }),
      same("left", { command: "deliver_sm", direction: "out", connector: "!*", after: since, ...soon }),
    ]);
  }
  else if (story.kind === "message" || story.kind === "broadcast") {
    await Promise.all([
      ask({ message_id: own, direction: "out", after: since, limit }).then((pdus) => add(pdus.filter((pdu) => pdu.connector === undefined && /^(submit|data|broadcast)\w*_resp$/.test(pdu.command ?? "")), "left", "answer", () => `message_id ${own}`)),
      receipts(),
      ...(story.remote_ids.length
        ? [
            ask({ message_id: pattern(story.remote_ids), direction: "in", after: since, limit }).then((pdus) => add(pdus.filter((pdu) => isAnswer(pdu) && (!story.connector || pdu.connector === story.connector)), "right", "answer", (pdu) => `message_id ${String(pdu.pdu?.["message_id"] ?? "")}`)),
            arrived(),
          ]
        : []),
    ]);
    // Attempts that were refused, or not answered.
    if (story.kind === "message" && !isLarge) await same("right", { command: "submit_sm", direction: "out", connector: "*", after: since, ...soon });
  }
  return [...found.values()].sort((one, other) => one.pdu.number - other.pdu.number);
}

/** What was found before and is found now: ids are replaced when a message goes again. */
export const together = (before: readonly Traced[], now: readonly Traced[]): Traced[] =>
  [...new Map([...before, ...now].map((each) => [each.pdu.number, each])).values()].sort((one, other) => one.pdu.number - other.pdu.number);

/** What a receipt says of the id it is for, and its state. */
const receiptOf = (pdu: Recorded): { id: string; stat: string } => {
  const [, id = "", stat = ""] = /^id:(\S*)[\s\S]*?(?:stat:(\S*)|$)/i.exec(pdu.text ?? "") ?? [];
  const tlvs = Array.isArray(pdu.pdu?.["tlvs"]) ? (pdu.pdu["tlvs"] as { name?: string; value?: unknown }[]) : [];
  return { id: id || String(tlvs.find((tlv) => tlv.name === "receipted_message_id")?.value ?? ""), stat };
};

/** A story's steps with the PDUs in place of what only tells of them. */
export function withPdus(steps: readonly Step[], story: Story, traced: readonly Traced[]): Step[] {
  if (traced.length === 0) return [...steps];
  const has = (lane: Traced["lane"], what: Traced["what"]): boolean => traced.some((each) => each.lane === lane && each.what === what);
  const made: Step[] = traced.map(({ pdu, lane, what }) => {
    const { id, stat } = what === "receipt" ? receiptOf(pdu) : { id: "", stat: "" };
    const given = typeof pdu.pdu?.["message_id"] === "string" ? (pdu.pdu["message_id"] as string) : "";
    const bad = pdu.command_status !== "ESME_ROK";
    return {
      key: `p${pdu.number}`, atMs: Date.parse(pdu.time), pdu: pdu.number, lane, isAnswer: what === "answer",
      title: what === "answer" ? `${pdu.command} ${pdu.command_status}` : `${pdu.command}${stat ? ` ${stat}` : ""}`,
      who: what === "receipt" ? `${id ? `id ${id}, ` : ""}session ${pdu.session}` : what === "answer" && given ? `message_id ${given}` : `seq ${pdu.sequence_number}, session ${pdu.session}`,
      colour: bad ? "bad" : what === "receipt" ? (/^(DELIVRD|ACCEPTD|ENROUTE|)$/i.test(stat) ? "ok" : "bad") : what === "answer" ? "dim" : "acc",
      direction: pdu.direction,
    };
  });
  const entry = story.kind === "incoming" ? "right" : "left";
  const first = made.find((step) => step.lane === entry && !step.isAnswer)?.atMs;
  const kept = steps.flatMap((step): Step[] => {
    if (step.key === "accepted" && has(entry, "request")) return [];
    if (step.key === "stored") return [{ ...step, title: "Stored", atMs: Math.max(step.atMs, first ?? 0) }];
    if (step.direction === "out" && step.lane === "right" && traced.some(({ pdu, lane, what }) => lane === "right" && what === "answer" && pdu.direction === "in")) return [];
    if (story.kind === "incoming" && step.lane === "left" && has("left", "answer")) return [];
    if (story.kind === "receipt" && step.lane === "left" && has("left", "receipt")) return [];
    if (step.key === "ended" || step.direction !== "own") {
      const receipt = traced.find((each) => each.lane === "right" && each.what === "receipt");
      if (receipt && (step.key === "ended" || step.direction === "in") && step.key !== "accepted") {
        const { id } = receiptOf(receipt.pdu);
        return [{ ...step, lane: "own", direction: "own", title: `Ended: ${word(story.state)}`, who: `${id} is ${story.remote_ids.join(" or ")} there, by its ${receipt.evidence === "receipted_message_id" ? "TLV" : "text"}` }];
      }
    }
    return [step];
  });
  const rank = (step: Step): number => (step.key === "stored" ? 1 : step.pdu === undefined ? 3 : step.lane === entry && step.direction === "in" ? 0 : 2);
  // The record's order holds, even where an answer has an earlier moment than what it answers.
  const order = new Map(kept.map((step) => [step.key, step.atMs]));
  let latest = 0;
  for (const step of made) {
    latest = Math.max(latest, step.atMs);
    order.set(step.key, latest);
  }
  const when = (step: Step): number => order.get(step.key) ?? 0;
  const all = [...made, ...kept].sort((one, other) => when(one) - when(other) || (one.pdu !== undefined && other.pdu !== undefined ? one.pdu - other.pdu : rank(one) - rank(other)));
  let before = all[0]?.atMs ?? 0;
  return all.map(({ wait: _, ...step }) => {
    const wait = step.atMs - before;
    before = step.atMs;
    return wait > 1_000 ? { ...step, wait } : step;
  });
}
