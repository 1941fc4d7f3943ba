"""What a token must say to be believed, claim by claim; quick enough to be run for every mutant of the verifier."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.entra import LEEWAY_S, LIFETIME_MOST_S, TOKEN_MOST_CHARS, EntraVerifier
from shared.adapters.upstream import IdentityProof, SignatureProof
from shared.domain.errors import ChatError, ErrorCode
from tests.security.bad_tokens import CLAIMS, spoiled

from .conftest import AUTHORITY, TENANT, published, signed, tokens


def verifier() -> EntraVerifier:
    """The verifier of people's tokens."""
    return EntraVerifier(tokens(), "access_as_user")


async def code_of(awaited: Any) -> ErrorCode | None:
    """How it was refused; None if it was not."""
    try:
        await awaited
    except ChatError as refusal:
        return refusal.code
    return None


async def test_a_good_token_is_its_person() -> None:
    """Every field of the caller comes from its claim."""
    now = int(time.time())
    caller = await verifier().verify(signed(iat=now - 5, nbf=now - 5, exp=now + 600, roles=["Sales", 7, "HR"]))

    assert caller.user_id == f"{TENANT}:sam"
    assert (caller.name, caller.email, caller.roles) == ("Sam", "sam@example.com", ("Sales", "HR"))
    assert caller.expires_at == datetime.fromtimestamp(now + 600, UTC)
    assert caller.issued_at == datetime.fromtimestamp(now - 5, UTC)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"roles": None}, ()), ({"roles": "Admin"}, ()), ({"roles": {"Admin": 1}}, ()), ({"roles": []}, ()),
        ({"roles": None, "_claim_names": {"groups": "x"}, "hasgroups": True}, ()),
    ],
)  # fmt: skip
async def test_only_a_list_of_roles_is_roles(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    """An overage of groups and anything else grants nothing."""
    assert (await verifier().verify(signed(**changes))).roles == expected


async def test_name_and_address_have_their_substitutes() -> None:
    """`preferred_username` where there is no e-mail; never a value that is no text."""
    assert (await verifier().verify(signed(name=None))).name == "Unnamed"
    assert (await verifier().verify(signed(email=None, preferred_username="s@example.com"))).email == "s@example.com"
    assert (await verifier().verify(signed(email=7))).email is None
    assert (await verifier().verify(signed(email=None))).email is None
    assert (await verifier().verify(signed(idtyp="user"))).name == "Sam"


@pytest.mark.requirement("authenticate:token-matrix")
@pytest.mark.parametrize("change", CLAIMS, ids=lambda change: repr(change)[:50])
async def test_each_wrong_claim_makes_nobody_of_it(change: dict[str, Any]) -> None:
    """Unauthenticated, and no other code."""
    assert await code_of(verifier().verify(signed(None, **change))) is ErrorCode.UNAUTHENTICATED


async def test_no_changed_token_is_anybody() -> None:
    """Header, body, signature."""
    for token in spoiled(signed(), {"keys": [published()]}):
        assert await code_of(verifier().verify(token)) is ErrorCode.UNAUTHENTICATED, token[:80]
    assert await code_of(verifier().verify(signed({"kid": "other"}))) is ErrorCode.UNAUTHENTICATED
    assert await code_of(verifier().verify(signed(tid="other"))) is ErrorCode.UNAUTHENTICATED


async def test_bounds_of_time_and_size_are_exact() -> None:
    """A minute of leeway, a day of life, sixteen kilobytes."""
    now = int(time.time())
    assert await code_of(verifier().verify(signed(exp=now - LEEWAY_S + 5))) is ErrorCode.UNAUTHENTICATED
    assert await code_of(verifier().verify(signed(iat=now - 90, exp=now - LEEWAY_S + 5))) is None
    assert await code_of(verifier().verify(signed(exp=now - LEEWAY_S - 5, iat=now - 90))) is ErrorCode.UNAUTHENTICATED
    assert await code_of(verifier().verify(signed(nbf=now + LEEWAY_S - 5))) is None
    assert await code_of(verifier().verify(signed(exp=now + LIFETIME_MOST_S))) is None
    assert await code_of(verifier().verify(signed(exp=now + LIFETIME_MOST_S + 1))) is ErrorCode.UNAUTHENTICATED
    assert await code_of(verifier().verify(signed(iat=now, exp=now))) is ErrorCode.UNAUTHENTICATED
    # Three bytes become four characters: one of some paddings gives the bound itself.
    pads = range((TOKEN_MOST_CHARS - len(signed(pad=""))) * 3 // 4 - 6, TOKEN_MOST_CHARS)
    padded = next(one for one in (signed(pad="x" * pad) for pad in pads) if len(one) >= TOKEN_MOST_CHARS)
    assert await code_of(verifier().verify(padded)) is (
        None if len(padded) == TOKEN_MOST_CHARS else ErrorCode.UNAUTHENTICATED
    )
    assert await code_of(verifier().verify(signed(pad="x" * TOKEN_MOST_CHARS))) is ErrorCode.UNAUTHENTICATED


V1 = {"iss": f"{AUTHORITY}/{TENANT}/", "ver": "1.0"}


@pytest.mark.requirement("connect:upstream-proof")
@pytest.mark.parametrize(
    ("changes", "principal", "scheme", "believed"),
    [
        ({}, "sam", "Bearer ", True), (V1, "sam", "bearer ", True), ({}, "sue", "Bearer ", False),
        ({}, "SAM", "Bearer ", False), ({}, "sam", "Basic ", False), ({}, "sam", "", False),
        ({"scp": "x"}, "sam", "Bearer ", False), ({"ver": "1.0"}, "sam", "Bearer ", False),
        ({"ver": "3.0"}, "sam", "Bearer ", False), (V1 | {"ver": "2.0"}, "sam", "Bearer ", False),
        ({"aud": "api://salescoach"}, "sam", "Bearer ", False),
    ],
)  # fmt: skip
async def test_only_the_services_own_token_proves_an_event(
    changes: dict[str, Any], principal: str, scheme: str, believed: bool
) -> None:
    """Either version, its object id, no person's scope."""
    proof = IdentityProof(tokens("api://upstream", versions=("1.0", "2.0")), principal)
    claims: dict[str, Any] = {"aud": "api://upstream", "scp": None} | changes
    token = signed(None, **claims)

    code = await code_of(proof.prove(connection_id="c", signature=None, authorization=scheme + token))
    assert code is (None if believed else ErrorCode.UNAUTHENTICATED)
    assert await code_of(proof.prove(connection_id="c", signature="x", authorization=None)) is ErrorCode.UNAUTHENTICATED


CONNECTION = "Endpoint=http://x;accesskey=a=b==;Version=1.0;"


@pytest.mark.requirement("connect:upstream-proof")
@pytest.mark.parametrize(
    ("signature", "believed"),
    [
        ("GOOD", True), ("sha256=00, GOOD", True), (" good ", True), ("sha256=00", False), ("", False), (None, False),
        ("GOOD0", False), ("sha256=\u00e9", False), ("sha256=\udcff", False),
    ],
)  # fmt: skip
async def test_a_signature_is_of_its_connection_by_one_of_the_keys(signature: str | None, believed: bool) -> None:
    """In any case of letters, among others; the key may hold what separates."""
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    good = "sha256=" + hmac.new(b"a=b==", b"c1", hashlib.sha256).hexdigest()
    given = None if signature is None else signature.replace("GOOD", good.upper()).replace("good", good)
    proof = SignatureProof(CONNECTION)

    code = await code_of(proof.prove(connection_id="c1", signature=given, authorization=None))
    assert code is (None if believed else ErrorCode.UNAUTHENTICATED)
    assert await code_of(proof.prove(connection_id="c2", signature=given, authorization=None))


@pytest.mark.parametrize("text", ["", "Endpoint=http://x", "AccessKey=;", "accesskey"])
def test_a_connection_string_without_a_key_is_refused(text: str) -> None:
    """At the start, not at the first event."""
    with pytest.raises(ValueError, match="AccessKey"):
        SignatureProof(text)
