// Sessions of any product as one shape.

export interface Told {
  id: number;
  peer: string;
  since: string;
  account?: string | null;
  connector?: string | null;
  smsc?: string;
  system_id?: string | null;
  bind_mode?: string | null;
  interface_version?: string | null;
  state?: string;
  tls?: boolean;
  in_flight?: number;
  window?: number | null;
  sent?: number;
  received?: number;
  pdus_in?: number;
  pdus_out?: number;
  enquire_link_us?: number | null;
  last_error?: { status: string; time?: string; direction?: string } | null;
}

export interface Connector {
  name: string;
  state: string;
  address: string;
  system_id: string;
  interface_version: string;
  tls: boolean;
  binds: number;
  binds_wanted: number;
  in_flight: number;
  window: number;
  waiting: number;
  last_error?: { error: string } | null;
  opens?: string | null;
}

export interface Row {
  kind: "session" | "down" | "head";
  key: string;
  id: number | null;
  /** Account, connector, or system_id. */
  name: string;
  side: "account" | "connector" | "smsc";
  peer: string;
  state: string;
  version: string;
  tls: boolean;
  inFlight: number | null;
  window: number | null;
  count: number;
  sinceMs: number | null;
  roundTripUs: number | null;
  lastError: string;
  smsc: string;
}

const heads = { account: "Accounts: peers that bind to us", connector: "Connectors: peers we bind to", smsc: "Sessions" } as const;

function row(told: Told): Row {
  const side = told.connector ? "connector" : told.account ? "account" : "smsc";
  return {
    kind: "session",
    key: String(told.id),
    id: told.id,
    name: told.account ?? told.connector ?? told.system_id ?? "",
    side,
    peer: told.peer,
    state: told.state ?? told.bind_mode ?? "OPEN",
    version: told.interface_version ?? "",
    tls: told.tls ?? false,
    inFlight: told.in_flight ?? null,
    window: told.window ?? null,
    count: (told.sent ?? told.pdus_out ?? 0) + (told.received ?? told.pdus_in ?? 0),
    sinceMs: Date.parse(told.since),
    roundTripUs: told.enquire_link_us ?? null,
    lastError: told.last_error ? `${told.last_error.status}${told.last_error.direction === "out" ? ", ours" : ""}` : "",
    smsc: told.smsc ?? "",
  };
}

/** All rows of the table: each side under its head, connectors without a session as what they are. */
export function rows(told: readonly Told[], connectors: readonly Connector[], show: "all" | "accounts" | "connectors", holds: (row: Row) => boolean): Row[] {
  const all = told.map(row);
  const windows = new Map(connectors.map((connector) => [connector.name, connector.window]));
  for (const each of all) if (each.side === "connector") each.window ??= windows.get(each.name) ?? null;
  for (const connector of connectors) {
    if (connector.binds > 0) continue;
    all.push({
      kind: "down", key: `connector:${connector.name}`, id: null, name: connector.name, side: "connector", peer: connector.address,
      state: connector.state === "drained" ? "DRAINING" : connector.state === "closed" ? "UNBOUND" : "CLOSED", version: connector.interface_version, tls: connector.tls,
      inFlight: 0, window: connector.window, count: 0, sinceMs: null, roundTripUs: null,
      lastError: connector.last_error?.error ?? (connector.state === "closed" ? `outside its hours${connector.opens ? `, opens ${connector.opens.slice(0, 16).replace("T", " ")}` : ""}` : `${connector.state}${connector.waiting ? `, ${connector.waiting} messages wait` : ""}`),
      smsc: "",
    });
  }
  const found: Row[] = [];
  for (const side of ["account", "connector", "smsc"] as const) {
    if ((show === "accounts" && side !== "account") || (show === "connectors" && side !== "connector")) continue;
    const own = all.filter((each) => each.side === side && holds(each));
    if (own.length === 0) continue;
    if (side !== "smsc") found.push({ ...row({ id: 0, peer: "", since: "" }), kind: "head", key: `head:${side}`, id: null, name: heads[side], side });
    found.push(...own);
  }
  return found;
}

/** Whether a row is what a filter asks for: `*` stands for any text. */
export function matches(each: Row, terms: readonly { field: string; op: string; value: string }[]): boolean {
  return terms.every(({ field, op, value }) => {
    const own = field === "peer" ? each.peer : field === "version" ? each.version : field === "state" ? each.state : field === "mode" ? each.state : field === "smsc" ? each.smsc : field === "" ? `${each.name} ${each.peer} ${each.key}` : each.name;
    if (op === ">" || op === "<") {
      const number = value.endsWith("%") ? (100 * (each.inFlight ?? 0)) / (each.window ?? Infinity) : (each.inFlight ?? 0);
      return op === ">" ? number > parseFloat(value) : number < parseFloat(value);
    }
    const wanted = value.split(",").some((part) => {
      const text = part.toLowerCase();
      const there = own.toLowerCase();
      if (field === "" || field === "mode") return there.includes(text.replaceAll("*", ""));
      const pattern = new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
      return pattern.test(there);
    });
    return op === "!=" ? !wanted : wanted;
  });
}
