"""The matrix of bad tokens: none of them is anybody, as a bearer token, in a message, or as the service's proof."""

from typing import Any

import jwt
import pytest

from shared.adapters.entra import EntraTokens, EntraVerifier
from shared.adapters.upstream import IdentityProof
from shared.domain.errors import ChatError, ErrorCode
from tests.security.bad_tokens import CLAIMS, NOW, OTHER_TENANT, SERVICE, UPSTREAM, spoiled

from .conftest import TENANT, Part


async def refused(check: Any) -> bool:
    """Tell whether it was refused with the one code there is for it."""
    try:
        await check
    except ChatError as refusal:
        return refusal.code is ErrorCode.UNAUTHENTICATED
    return False


@pytest.mark.requirement("authenticate:token-matrix")
async def test_no_bad_token_is_anybody(identity: Part) -> None:
    """Neither as a person's token nor as the proof of an event; the good one they are made of is both."""
    good = identity.token("sam.sales")
    keys = identity.ask("GET", f"/{TENANT}/discovery/v2.0/keys")
    tokens = EntraTokens(identity.url, [TENANT], ["api://salescoach"])
    verifier = EntraVerifier(tokens, "access_as_user")
    sam = (await verifier.verify(good)).user_id.partition(":")[2]
    proof = IdentityProof(tokens, sam)
    bad = [identity.token("sam.sales", claims=change) for change in CLAIMS]
    bad += [identity.token("sam.sales", key=key) for key in ("foreign", "forged")]
    bad += [identity.token("eve.other"), *spoiled(good, keys)]

    accepted = [token for token in bad if not await refused(verifier.verify(token))]
    forged = [*bad[len(CLAIMS) :], identity.token("ada.admin")]
    proved = [
        token
        for token in forged
        if not await refused(proof.prove(connection_id="c", signature=None, authorization=f"Bearer {token}"))
    ]

    assert len(bad) >= 60
    assert accepted == []
    assert proved == []


@pytest.mark.requirement("connect:upstream-proof")
@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_the_service_is_believed_by_either_version_of_its_token_and_nobody_else_is(
    identity: Part, version: str
) -> None:
    """Its object id in our own tenant, in its own name; neither another tenant's nor one with a person's scope."""
    tokens = EntraTokens(identity.url, [TENANT], [UPSTREAM], versions=("1.0", "2.0"))
    proof = IdentityProof(tokens, SERVICE)
    mine: dict[str, Any] = {"audience": UPSTREAM, "version": version, "claims": {"oid": SERVICE, "scp": None}}

    def token(**changes: Any) -> str:
        claims = mine["claims"] | changes.pop("claims", {})
        return identity.token("sam.sales", **(mine | changes | {"claims": claims}))

    async def offer(text: str, scheme: str = "Bearer ") -> None:
        await proof.prove(connection_id="c", signature=None, authorization=scheme + text)

    other = "1.0" if version == "2.0" else "2.0"
    mixed = {"iss": jwt.decode(token(version=other), options={"verify_signature": False})["iss"]}
    spoofs = [
        token(claims={"oid": "55555555-5555-4555-8555-555555555555"}), token(claims={"oid": SERVICE.upper()}),
        token(claims={"scp": "access_as_user"}), token(claims={"tid": OTHER_TENANT}), token(claims=mixed),
        token(claims={"iss": f"https://sts.windows.net/{OTHER_TENANT}/", "tid": OTHER_TENANT}),
        token(claims={"ver": other}), token(claims={"ver": "3.0"}), token(audience="api://salescoach"),
        token(audience="api://salescoach-mcp-sfdc"), token(lifetime_s=-120), token(key="foreign"), token(key="forged"),
        token(claims={"nbf": NOW + 3600}), identity.token("ada.admin"), identity.token("eve.other"), "", "x",
    ]  # fmt: skip

    await offer(token())
    accepted = [spoof for spoof in spoofs if not await refused(offer(spoof))]
    schemes = [
        scheme for scheme in ("", "Basic ", "Bearer  ", "Bearer x ") if not await refused(offer(token(), scheme))
    ]

    assert accepted == []
    assert schemes == []
    with pytest.raises(ChatError):
        await EntraVerifier(tokens, "access_as_user").verify(token())
