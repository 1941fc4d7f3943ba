// REST of SalesCoach, as this page uses it.

const PAGE = 100;
const SUGGESTIONS = 6;

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
  async function ask(method, path) {
    const answer = await request(base, method, path, signIn.token());
    if (answer.status !== 401) return read(answer);
    await signIn.renew();
    return read(await request(base, method, path, signIn.token()));
  }

  return {
    /** A client URL of Web PubSub, good for five minutes. */
    negotiate: async () => (await ask("POST", "/api/negotiate")).url,
    /** The person's chats, newest first as the server orders them. */
    sessions: async () => (await ask("GET", `/api/sessions?limit=${PAGE}`)).items,
    /** What others of the person's roles ask most. */
    questions: async () => (await ask("GET", `/api/questions?limit=${SUGGESTIONS}`)).items,
    /** Messages in order: {items, last_seq}; before `before_seq`, or after `after_seq`. */
    messages: (id, range = {}) => {
      const wanted = new URLSearchParams({ limit: String(PAGE), ...range });
      return ask("GET", `/api/sessions/${encodeURIComponent(id)}/messages?${wanted}`);
    },
  };
}

function request(base, method, path, token) {
  return fetch(`${base}${path}`, { method, cache: "no-store", headers: { Authorization: `Bearer ${token}` } });
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok && body.success === true) return body.data;
  throw new ApiError(body.error, answer.status);
}
