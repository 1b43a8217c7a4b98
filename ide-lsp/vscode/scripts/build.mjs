// Bundles the extension for VS Code's extension host, and the scope for its webview.

import { build } from "esbuild";
import { rm } from "node:fs/promises";

await rm("dist", { recursive: true, force: true });

const common = { bundle: true, minify: true, sourcemap: false, logLevel: "warning", legalComments: "none" };

await Promise.all([
  build({
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["vscode"],
  }),
  build({
    ...common,
    entryPoints: ["src/scope/view/main.ts"],
    outfile: "dist/scope.js",
    platform: "browser",
    format: "iife",
    target: "es2022",
  }),
]);
