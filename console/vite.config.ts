import { defineConfig } from "vitest/config";

export default defineConfig({
  // JSX is turned into calls by esbuild: the fast-refresh plug-in would be a dependency for development alone.
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2022",
    // The content security policy allows nothing inline, and no data: outside images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: {
    // By number: a machine need not know the name localhost.
    host: "127.0.0.1",
    // `npm run dev` works on a running server.
    proxy: Object.fromEntries(["/events", "/api"].map((path) => [path, process.env["MYELIN_HTTP"] ?? "http://127.0.0.1:8080"])),
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
