// Where one is: every view has a URL. Filters and selections are replaced while typing and pushed on Enter or open.

export const here = $state({ path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash });

function look(): void {
  here.path = location.pathname;
  here.query = new URLSearchParams(location.search);
  here.hash = location.hash;
}

addEventListener("popstate", look);
addEventListener("hashchange", look);

/** Goes to a page of the console. */
export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  look();
}

/** Changes parameters of the view; an empty one is taken away. */
export function setQuery(changes: Record<string, string | number | null | undefined>, push = false): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : "") + location.hash, !push);
}

/** Takes clicks on links of our own, so that pages do not load anew. */
export function links(node: HTMLElement): { destroy(): void } {
  const click = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest("a");
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
    event.preventDefault();
    if (link.href !== location.href) go(link.pathname + link.search + link.hash);
  };
  node.addEventListener("click", click);
  return { destroy: () => node.removeEventListener("click", click) };
}

/** The parts of a path that a pattern such as `/messages/:id` names; nothing if it is another path. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const there = path.replace(/\/+$/, "").split("/");
  if (pattern === "/") return path === "/" || path === "" ? {} : null;
  if (wanted.length !== there.length) return null;
  const found: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const value = there[at] ?? "";
    if (part.startsWith(":")) {
      try {
        found[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return null;
      }
    } else if (part !== value) return null;
  }
  return found;
}
