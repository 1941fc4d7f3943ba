// Sign-in with Microsoft Entra ID, by its own library: a redirect there and back, tokens kept for the tab.

import { CacheLookupPolicy, InteractionRequiredAuthError, PublicClientApplication } from "@azure/msal-browser";

import { EARLY_S } from "./sign_in.js";

// A hidden frame would need the provider's cookies, which browsers withhold, and a page that lets itself be framed.
const NO_FRAME = CacheLookupPolicy.AccessTokenAndRefreshToken;

/**
 * Take up what a redirect brought, or what the tab remembers.
 * @param {{client: string, authority: string, scope: string}} config as in /config.json
 */
export async function createEntra({ client, authority, scope }) {
  const app = new PublicClientApplication({
    auth: {
      clientId: client,
      authority,
      // Its host is configured, so nobody has to be asked whether it may be trusted.
      knownAuthorities: [new URL(authority).host],
      redirectUri: `${location.origin}/`,
    },
    cache: { cacheLocation: "sessionStorage" },
    system: { tokenRenewalOffsetSeconds: EARLY_S },
  });
  await app.initialize();
  const scopes = [scope];
  const arrived = await app.handleRedirectPromise();
  const [account] = app.getAllAccounts();

  async function silently(who, forceRefresh) {
    return personOf(await app.acquireTokenSilent({ scopes, account: who, forceRefresh, cacheLookupPolicy: NO_FRAME }));
  }

  async function toProvider(hint) {
    await app.acquireTokenRedirect({ scopes, ...hint });
    // The page is being left; nothing after this counts.
    return new Promise(() => {});
  }

  let restored = null;
  if (arrived) restored = personOf(arrived);
  else if (account) restored = await silently(account, false).catch(() => null);

  return {
    restored,
    people: async () => null,
    enter: () => toProvider({}),
    renew: async (person, { quietly = false } = {}) => {
      try {
        return await silently(person.account, true);
      } catch (fault) {
        if (!wantsThePerson(fault)) throw fault;
        // Nobody is torn away from a page that they read or write on; their next question leads there.
        if (quietly) throw Object.assign(fault, { wantsThePerson: true });
        return toProvider({ account: person.account });
      }
    },
    // This page forgets the person; whoever shares the computer signs out of the organisation's account there.
    leave: () => app.clearCache(),
  };
}

/** Whether only the person can help: consent, a second factor, or a sign-in that is older than a day. */
function wantsThePerson(fault) {
  return fault instanceof InteractionRequiredAuthError || fault.errorCode === "invalid_grant";
}

function personOf({ account, accessToken, expiresOn }) {
  const expires_at = expiresOn.getTime();
  const lifetime_s = (expires_at - Date.now()) / 1_000;
  return { name: account.name ?? account.username, account, access_token: accessToken, expires_at, lifetime_s };
}
