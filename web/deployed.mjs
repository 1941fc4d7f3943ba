// Write what a deployment's page needs beside the build: dist/config.json and dist/staticwebapp.config.json.
// From the environment: API_URL WEB_CLIENT_ID API_AUDIENCE SIGN_IN_AUTHORITY WEB_PUBSUB_ENDPOINT (outputs of infra/main.bicep).
import { mkdir, writeFile } from "node:fs/promises";

const here = new URL(".", import.meta.url).pathname;
const NAMES = ["API_URL", "WEB_CLIENT_ID", "API_AUDIENCE", "SIGN_IN_AUTHORITY", "WEB_PUBSUB_ENDPOINT"];

const missing = NAMES.filter((name) => !process.env[name]);
if (missing.length > 0) throw new Error(`these are not set: ${missing.join(", ")}`);
const [api, client, audience, authority, pubsub] = NAMES.map((name) => process.env[name].replace(/\/$/, ""));

const config = { api, entra: { client, authority, scope: `${audience}/access_as_user` } };
// web/README.md, "What the server of dist/ owes the page".
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;" +
  ` connect-src 'self' ${api} ${new URL(authority).origin} ${pubsub.replace(/^http/, "ws")};` +
  " base-uri 'none'; form-action 'none'; frame-ancestors 'none';" +
  " require-trusted-types-for 'script'; trusted-types dompurify";
const hosting = {
  globalHeaders: {
    "Content-Security-Policy": policy,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cache-Control": "no-cache",
  },
  // Static Web Apps' own sign-in is another one: its addresses answer nobody.
  routes: [{ route: "/.auth/*", statusCode: 404 }],
};

await mkdir(`${here}dist`, { recursive: true });
await writeFile(`${here}dist/config.json`, `${JSON.stringify(config)}\n`);
await writeFile(`${here}dist/staticwebapp.config.json`, `${JSON.stringify(hosting, null, 2)}\n`);
console.log(`the page signs in at ${authority} and calls ${api}`);
