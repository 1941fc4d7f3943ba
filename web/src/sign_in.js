// The person's access token: fetched, renewed before it runs out; where it comes from is the provider's affair.

// The API refuses a question whose token lives shorter than five minutes.
export const EARLY_S = 360;
const SOONEST_S = 5;

/**
 * @typedef {{name: string, access_token: string, expires_at: number, lifetime_s: number}} Person times in ms, spans in s
 * @param {object} provider where people come from: `local_people.js` or `entra.js`
 * @param {Person | null} provider.restored who is signed in already
 * @param {() => Promise<Array<{user: string, name: string, roles: string[]}> | null>} provider.people whom to choose from;
 *   null: nobody, the provider asks by itself
 * @param {(choice?: object) => Promise<Person>} provider.enter
 * @param {(person: Person, how?: {quietly: boolean}) => Promise<Person>} provider.renew a person with a new token; quietly:
 *   without leaving the page, or else a fault with `wantsThePerson`
 * @param {() => Promise<void> | void} provider.leave
 */
export function createSignIn(provider) {
  let person = provider.restored;
  let timer = null;
  const listeners = new Set();

  function keep(next) {
    person = next;
    clearTimeout(timer);
    timer = setTimeout(renewQuietly, renewalDelay(next));
  }

  async function renew(how) {
    keep(await provider.renew(person, how));
    for (const listener of listeners) listener();
  }

  // A failed renewal is no fault yet: the next question or reconnect tries again and tells.
  function renewQuietly() {
    renew({ quietly: true }).catch((fault) => {
      if (!fault.wantsThePerson) timer = setTimeout(renewQuietly, SOONEST_S * 1_000);
    });
  }

  if (person !== null) timer = setTimeout(renewQuietly, renewalDelay(person));

  return {
    /** The signed-in person {name}, or null. */
    person: () => person,
    token: () => person.access_token,
    people: provider.people,
    signIn: async (choice) => keep(await provider.enter(choice)),
    /** Fetch a new token now; those who listen are told. */
    renew: () => renew(),
    /** Call `listener` after each renewal. */
    onRenewed: (listener) => listeners.add(listener),
    signOut: () => {
      clearTimeout(timer);
      person = null;
      return provider.leave();
    },
  };
}

function renewalDelay({ expires_at, lifetime_s }) {
  // A short-lived token is renewed at half its life, so that it never runs out between two renewals.
  const early = Math.min(EARLY_S, lifetime_s / 2) * 1_000;
  return Math.max(SOONEST_S * 1_000, expires_at - early - Date.now());
}
