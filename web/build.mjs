// Bundle src/ and the static files into dist/, which a static server publishes as it is.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";

const here = new URL(".", import.meta.url).pathname;
const STATIC = ["index.html", "style.css", "favicon.svg"];

await mkdir(`${here}dist`, { recursive: true });
await Promise.all(STATIC.map((name) => copyFile(`${here}${name}`, `${here}dist/${name}`)));
await build({
  entryPoints: [`${here}src/main.js`],
  outdir: `${here}dist`,
  bundle: true,
  // What is imported later becomes a file of its own.
  splitting: true,
  chunkNames: "[name]-[hash]",
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  sourcemap: true,
  // The licences of the bundled libraries go along with them.
  legalComments: "linked",
  logLevel: "warning",
});
console.log("web client built in dist/");
