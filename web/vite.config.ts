/** How the page is built: plain files for any static server, nothing inline, so that a strict CSP holds. */
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  publicDir: "public",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2023",
    // A data: URL for a small asset would need `data:` in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: false,
    // Read by the size test: which files load at once, which later.
    manifest: true,
  },
  worker: { format: "es" },
  server: { port: 5173, strictPort: true, proxy: { "/api": "http://127.0.0.1:8080" } },
});
