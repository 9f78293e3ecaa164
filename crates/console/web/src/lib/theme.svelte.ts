// Light or dark: as the system says until somebody chooses.
const dark = matchMedia("(prefers-color-scheme: dark)");
const chosen = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("theme");

export const theme = $state({ dark: chosen ? chosen === "dark" : dark.matches });

function apply(name: string | null): void {
  if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
}
apply(chosen);
dark.addEventListener("change", () => {
  if (!document.documentElement.dataset.theme) theme.dark = dark.matches;
});

export function turn(): void {
  theme.dark = !theme.dark;
  const name = theme.dark ? "dark" : "light";
  localStorage.setItem("theme", name);
  apply(name);
}
