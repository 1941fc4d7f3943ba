"""Two tenants at once in one worker: no cache gives one of them what is the other's."""

import asyncio
import random
from typing import Any

import jwt
import pytest

from shared.adapters.entra import EntraTokens, EntraVerifier
from shared.adapters.on_behalf_of import OnBehalfOf
from shared.adapters.sealing import EnvelopeSealer, LocalKey
from shared.domain.errors import ChatError
from shared.domain.ids import PublicId, group_key, session_key, tenant_of
from tests.security.bad_tokens import OTHER_TENANT

from .conftest import TENANT, Part

AUDIENCES = ("api://salescoach-mcp-sfdc", "api://salescoach-mcp-hr")
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.requirement("authenticate:tenants-apart")
async def test_two_tenants_interleaved_share_no_cache_entry(identity: Part) -> None:
    """Signing keys, exchanged tokens, sealed tokens, partitions: each is its own tenant's, in any order of calls."""
    verifier = EntraVerifier(EntraTokens(identity.url, [TENANT, OTHER_TENANT], ["api://salescoach"]), "access_as_user")
    exchange = OnBehalfOf(identity.url, "33333333-3333-4333-8333-333333333333", "local-obo-secret")
    sealer, session = EnvelopeSealer(LocalKey(KEY)), PublicId("5e551011-0000-4000-8000-000000000001")
    tokens = {name: identity.token(name) for name in ("sam.sales", "sue.sales", "eve.other")}
    rng = random.Random(7)

    async def use(name: str, audience: str) -> tuple[str, dict[str, Any]]:
        caller = await verifier.verify(tokens[name])
        sealed = await sealer.seal(tokens[name], user_id=caller.user_id, session_id=session)
        mine = await sealer.open(sealed, user_id=caller.user_id, session_id=session)
        assert mine == tokens[name]
        given = await exchange.for_user(caller.user_id, mine, audience)
        return caller.user_id, jwt.decode(given, options={"verify_signature": False}) | {"asked": audience}

    calls = [(name, audience) for name in tokens for audience in AUDIENCES] * 10
    rng.shuffle(calls)
    got = await asyncio.gather(*(use(name, audience) for name, audience in calls))

    people = {name: (await verifier.verify(token)).user_id for name, token in tokens.items()}
    for (name, audience), (user, claims) in zip(calls, got, strict=True):
        assert user == people[name]
        assert (f"{claims['tid']}:{claims['oid']}", claims["aud"]) == (user, audience)
    assert {tenant_of(user) for user in people.values()} == {TENANT, OTHER_TENANT}
    assert len({session_key(user, session) for user in people.values()}) == 3
    assert group_key(session) not in {session_key(user, session) for user in people.values()}


@pytest.mark.requirement("authenticate:tenants-apart")
async def test_a_tenant_that_is_not_allowed_is_nobody_whatever_is_cached(identity: Part) -> None:
    """Its key set is the same issuer's and known; that does not help it."""
    verifier = EntraVerifier(EntraTokens(identity.url, [TENANT], ["api://salescoach"]), "access_as_user")
    await verifier.verify(identity.token("sam.sales"))

    with pytest.raises(ChatError):
        await verifier.verify(identity.token("eve.other"))
