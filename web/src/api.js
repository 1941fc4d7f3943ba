// REST of SalesCoach, as this page uses it.

const PAGE = 100;
const SUGGESTIONS = 6;
const FOUND = 20;

/** A refusal of the API, with its closed code. */
export class ApiError extends Error {
  constructor({ code = "internal", message = "", correlation_id = null } = {}, status = 0) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.correlation_id = correlation_id;
  }
}

/**
 * The API under `base` in the name of the signed-in person.
 * @param {string} base
 * @param {{token: () => string, renew: () => Promise<void>}} signIn
 */
export function createApi(base, signIn) {
  async function ask(method, path, body) {
    const answer = await request(base, method, path, signIn.token(), body);
    if (answer.status !== 401) return read(answer);
    await signIn.renew();
    return read(await request(base, method, path, signIn.token(), body));
  }

  return {
    /** A client URL of Web PubSub, good for five minutes. */
    negotiate: async () => (await ask("POST", "/api/negotiate")).url,
    /** The person's chats, newest first as the server orders them. */
    sessions: async () => (await ask("GET", `/api/sessions?limit=${PAGE}`)).items,
    /** Give a chat another title, for good. */
    rename: (id, title) => ask("PATCH", `/api/sessions/${encodeURIComponent(id)}`, { title }),
    /** Delete a chat and all that was said in it. */
    deleteSession: (id) => ask("DELETE", `/api/sessions/${encodeURIComponent(id)}`),
    /** What others of the person's roles ask most. */
    questions: async () => (await ask("GET", `/api/questions?limit=${SUGGESTIONS}`)).items,
    /** Messages in order: {items, last_seq}; before `before_seq`, or after `after_seq`. */
    messages: (id, range = {}, kind = "sessions") => {
      const wanted = new URLSearchParams({ limit: String(PAGE), ...range });
      return ask("GET", `/api/${kind}/${encodeURIComponent(id)}/messages?${wanted}`);
    },
    /** The groups of which the person is a member, the one that they joined last first. */
    groups: async () => (await ask("GET", `/api/groups?limit=${PAGE}`)).items,
    group: (id) => ask("GET", groupPath(id)),
    foundGroup: (wish) => ask("POST", "/api/groups", wish),
    changeGroup: (id, changes) => ask("PATCH", groupPath(id), changes),
    deleteGroup: (id) => ask("DELETE", groupPath(id)),
    addMember: (id, user) => ask("PUT", memberPath(id, user)),
    removeMember: (id, user) => ask("DELETE", memberPath(id, user)),
    /** People of the person's organisation who have signed in; two letters or more. */
    people: async (query) => (await ask("GET", `/api/people?${new URLSearchParams({ query, limit: String(FOUND) })}`)).items,
  };
}

function groupPath(id) {
  return `/api/groups/${encodeURIComponent(id)}`;
}

function memberPath(id, user) {
  return `${groupPath(id)}/members/${encodeURIComponent(user)}`;
}

function request(base, method, path, token, body) {
  const headers = { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  return fetch(`${base}${path}`, { method, cache: "no-store", headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok && body.success === true) return body.data;
  throw new ApiError(body.error, answer.status);
}
