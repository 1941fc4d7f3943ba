// The sample people of the local identity provider: a list to choose from, no passwords; kept for the tab.

const KEY = "salescoach.person";

/** @param {string} identity base URL */
export function createLocalPeople(identity) {
  const kept = (person) => {
    sessionStorage.setItem(KEY, JSON.stringify(person));
    return person;
  };
  return {
    restored: restored(),
    people: () => readPeople(identity),
    enter: async ({ user, name }) => kept({ user, name, ...(await requestToken(identity, user)) }),
    renew: async (person) => kept({ ...person, ...(await requestToken(identity, person.user)) }),
    leave: () => sessionStorage.removeItem(KEY),
  };
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
