// The person's access token: fetched, kept for the tab, renewed before it runs out.

const KEY = "salescoach.person";
// The API refuses a question whose token lives shorter than five minutes.
const EARLY_S = 360;
const SOONEST_S = 5;

/**
 * The sign-in of the local identity provider: sample people, no passwords.
 * @param {string} identity base URL
 */
export function createSignIn(identity) {
  let person = restored();
  let timer = null;
  const listeners = new Set();

  function keep(next) {
    person = next;
    sessionStorage.setItem(KEY, JSON.stringify(next));
    clearTimeout(timer);
    timer = setTimeout(renewQuietly, renewalDelay(next));
  }

  async function renew() {
    keep({ ...person, ...(await requestToken(identity, person.user)) });
    for (const listener of listeners) listener();
  }

  // A failed renewal is no fault yet: the next question or reconnect tries again and tells.
  function renewQuietly() {
    renew().catch(() => {
      timer = setTimeout(renewQuietly, SOONEST_S * 1_000);
    });
  }

  if (person !== null) timer = setTimeout(renewQuietly, renewalDelay(person));

  return {
    /** The signed-in person {user, name}, or null. */
    person: () => person,
    token: () => person.access_token,
    people: () => readPeople(identity),
    signIn: async ({ user, name }) => keep({ user, name, ...(await requestToken(identity, user)) }),
    /** Fetch a new token now; those who listen are told. */
    renew,
    /** Call `listener` after each renewal. */
    onRenewed: (listener) => listeners.add(listener),
    signOut: () => {
      clearTimeout(timer);
      sessionStorage.removeItem(KEY);
      person = null;
    },
  };
}

function renewalDelay({ expires_at, lifetime_s }) {
  // A short-lived token is renewed at half its life, so that it never runs out between two renewals.
  const early = Math.min(EARLY_S, lifetime_s / 2) * 1_000;
  return Math.max(SOONEST_S * 1_000, expires_at - early - Date.now());
}

function restored() {
  const stored = sessionStorage.getItem(KEY);
  const person = stored === null ? null : JSON.parse(stored);
  return person !== null && person.expires_at > Date.now() ? person : null;
}

async function readPeople(identity) {
  const answer = await fetch(`${identity}/people`);
  if (!answer.ok) throw new Error(`the sign-in answered ${answer.status}`);
  return answer.json();
}

async function requestToken(identity, user) {
  const answer = await fetch(`${identity}/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user }),
  });
  if (!answer.ok) throw new Error(`the sign-in answered ${answer.status}`);
  const { access_token, expires_in } = await answer.json();
  return { access_token, lifetime_s: expires_in, expires_at: Date.now() + expires_in * 1_000 };
}
