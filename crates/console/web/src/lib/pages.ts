// The pages there are, what each needs of the server, and where it stands in the rail.
import type { Component } from "svelte";
import type { IconName } from "../components/Icon.svelte";
import { has } from "./server.svelte";

export interface Page {
  name: string;
  icon: IconName;
  group: "Observe" | "Operate" | "Test" | "Reference" | "";
  /** Its URLs, the first being that of the rail. */
  urls: string[];
  /** Whether this server has what it shows. */
  here: () => boolean;
  load: () => Promise<{ default: Component<any> }>;
}

export const pages: Page[] = [
  { name: "Overview", icon: "overview", group: "Observe", urls: ["/"], here: () => has("/api/v1/series") || has("/api/v1/status"), load: () => import("../pages/Overview.svelte") },
  { name: "Messages", icon: "messages", group: "Observe", urls: ["/messages"], here: () => has("/api/v1/messages/{message_id}"), load: () => import("../pages/Messages.svelte") },
  { name: "Message", icon: "messages", group: "", urls: ["/messages/:id"], here: () => has("/api/v1/messages/{message_id}"), load: () => import("../pages/Message.svelte") },
  { name: "Sessions", icon: "sessions", group: "Observe", urls: ["/sessions"], here: () => has("/api/v1/sessions"), load: () => import("../pages/Sessions.svelte") },
  { name: "Accounts", icon: "accounts", group: "Operate", urls: ["/accounts", "/accounts/:name"], here: () => has("/api/v1/accounts"), load: () => import("../pages/Accounts.svelte") },
  { name: "Connectors", icon: "connectors", group: "Operate", urls: ["/connectors", "/connectors/:name"], here: () => has("/api/v1/connectors"), load: () => import("../pages/Connectors.svelte") },
  { name: "Routes", icon: "routes", group: "Operate", urls: ["/routes"], here: () => has("/api/v1/routes"), load: () => import("../pages/Routes.svelte") },
  { name: "Simulator", icon: "simulator", group: "Test", urls: ["/simulator", "/simulator/:view", "/simulator/:view/:which"], here: () => has("/api/v1/smscs"), load: () => import("../pages/Simulator.svelte") },
  { name: "Client", icon: "client", group: "Test", urls: ["/client"], here: () => has("/api/v1/client"), load: () => import("../pages/Client.svelte") },
  { name: "Codec", icon: "codec", group: "Reference", urls: ["/codec"], here: () => has("/api/v1/codec/decode", "post"), load: () => import("../pages/Codec.svelte") },
  { name: "API", icon: "api", group: "Reference", urls: ["/api"], here: () => true, load: () => import("../pages/Api.svelte") },
];
