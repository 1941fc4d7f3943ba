// Where the page's partners are; its own origin tells.

/**
 * Read /config.json: `identity` names the local provider, `entra` the organisation's.
 * @returns {Promise<{api: string, identity?: string, entra?: {client: string, authority: string, scope: string}}>}
 */
export async function loadConfig() {
  const answer = await fetch("/config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`/config.json answered ${answer.status}`);
  const { api, identity, entra } = await answer.json();
  const signsIn = typeof identity === "string" || typeof entra?.client === "string";
  if (typeof api !== "string" || !signsIn) throw new Error("/config.json names no api or no sign-in");
  return { api, identity, entra };
}
