import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// In development the pages come from here and all else from a running server: SERVER=http://127.0.0.1:8080 npm run dev
const server = process.env.SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte()],
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 300, modulePreload: { polyfill: false } },
  server: {
    proxy: {
      "/api/v1": { target: server, ws: true, changeOrigin: true, rewriteWsOrigin: true, headers: { origin: server } },
      "/openapi.json": { target: server, changeOrigin: true },
      "/readyz": { target: server, changeOrigin: true },
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
