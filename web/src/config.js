// Where the page's partners are; its own origin tells.

/**
 * Read /config.json.
 * @returns {Promise<{api: string, identity: string}>} base URLs
 */
export async function loadConfig() {
  const answer = await fetch("/config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`/config.json answered ${answer.status}`);
  const { api, identity } = await answer.json();
  if (typeof api !== "string" || typeof identity !== "string") throw new Error("/config.json names no api or identity");
  return { api, identity };
}
