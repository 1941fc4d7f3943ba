"""The issuer's published keys: fetched once by many, kept while it fails, and not for ever."""

import asyncio
from typing import Any

import aiohttp
import pytest

from shared.adapters.entra import ENTRA, KEYS_ASKED_EVERY_S, KEYS_FRESH_S, KEYS_STALE_S, EntraTokens, SigningKeys
from shared.domain.errors import ChatError, ErrorCode

from .conftest import published

DAY = 24 * 3600.0


class Issuer:
    """What an issuer publishes, and a clock."""

    def __init__(self, published: dict[str, Any]) -> None:
        self.now = 1000.0
        self.asked = 0
        self.answer: Any = published
        self.keys = SigningKeys(self.fetch, lambda: self.now)

    async def fetch(self) -> dict[str, Any]:
        """Answer, or fail."""
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def issuer() -> Issuer:
    """An issuer with a key."""
    return Issuer({"keys": [published()]})


def known(issuer: Issuer) -> str:
    """The id of a published key."""
    return issuer.answer["keys"][0]["kid"]


async def test_many_who_ask_at_once_cause_one_request(issuer: Issuer) -> None:
    """Single flight; and none while the keys are fresh."""
    found = await asyncio.gather(*(issuer.keys.get(known(issuer)) for _ in range(50)))
    issuer.now += DAY
    assert await issuer.keys.get(known(issuer)) is not None

    assert None not in found
    assert issuer.asked == 1


async def test_an_unknown_key_asks_again_once_in_a_while(issuer: Issuer) -> None:
    """So a rotation is seen within half a minute, and invented ids cause no storm."""
    await issuer.keys.get(known(issuer))
    new = {**issuer.answer["keys"][0], "kid": "new"}
    issuer.answer = {"keys": [*issuer.answer["keys"], new]}

    assert await issuer.keys.get("new") is None
    issuer.now += KEYS_ASKED_EVERY_S - 1
    assert await issuer.keys.get("new") is None
    issuer.now += 1
    assert await issuer.keys.get("new") is not None
    assert issuer.asked == 2


FAILURES: list[Any] = [
    aiohttp.ClientError(), TimeoutError(), ValueError("no JSON"), {}, [], {"keys": None}, {"keys": ["x"]},
    {"keys": [{"kty": "RSA", "kid": "k", "n": "", "e": ""}]},
]  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: repr(failure)[:40])
async def test_keys_outlive_an_issuer_that_fails_by_a_day(issuer: Issuer, failure: Any) -> None:
    """Whether it does not answer or answers nonsense; then nobody gets in."""
    kid = known(issuer)
    await issuer.keys.get(kid)
    issuer.answer = failure

    issuer.now += KEYS_FRESH_S + 1
    assert await issuer.keys.get(kid) is not None
    issuer.now += KEYS_STALE_S - 1
    assert await issuer.keys.get(kid) is not None
    issuer.now += 1
    with pytest.raises(ChatError) as refused:
        await issuer.keys.get(kid)

    assert refused.value.code is ErrorCode.INTERNAL


async def test_a_key_that_may_be_new_is_not_called_bad_while_the_issuer_fails(issuer: Issuer) -> None:
    """Whoever has it comes again; the known ones serve as ever."""
    kid, good = known(issuer), issuer.answer
    await issuer.keys.get(kid)
    issuer.answer, issuer.now = TimeoutError(), issuer.now + KEYS_ASKED_EVERY_S
    with pytest.raises(ChatError) as refused:
        await issuer.keys.get("new")
    assert (refused.value.code, refused.value.retry_after_s) == (ErrorCode.INTERNAL, 1.0)
    assert await issuer.keys.get(kid) is not None
    issuer.answer, issuer.now = good, issuer.now + KEYS_ASKED_EVERY_S

    assert await issuer.keys.get("new") is None


async def test_a_key_that_is_withdrawn_is_forgotten_at_the_next_look(issuer: Issuer) -> None:
    """A day at most."""
    kid = known(issuer)
    await issuer.keys.get(kid)
    issuer.answer = {"keys": []}

    issuer.now += KEYS_FRESH_S + 1

    assert await issuer.keys.get(kid) is None


async def test_whoever_asks_before_there_are_keys_is_told_to_come_back(issuer: Issuer) -> None:
    """And the next one asks again at once."""
    kid, good = known(issuer), issuer.answer
    issuer.answer = TimeoutError()
    with pytest.raises(ChatError) as refused:
        await issuer.keys.get(kid)
    issuer.answer = good

    assert refused.value.retry_after_s == 1.0
    assert await issuer.keys.get(kid) is not None


async def test_keys_of_another_kind_are_not_taken(issuer: Issuer) -> None:
    """RSA alone, whatever `alg` they claim."""
    issuer.answer = {"keys": [{"kty": "oct", "kid": "secret", "k": "YQ"}, {"kty": "EC", "kid": "curve"}]}

    assert await issuer.keys.get("secret") is None
    assert await issuer.keys.get("curve") is None


def test_version_one_has_an_issuer_of_its_own_at_entra() -> None:
    """As Entra's reference of access tokens has it."""
    tokens = EntraTokens(ENTRA + "/", ["t"], ["a"])

    assert tokens._issuer("t", "2.0") == "https://login.microsoftonline.com/t/v2.0"
    assert tokens._issuer("t", "1.0") == "https://sts.windows.net/t/"
    assert EntraTokens("http://127.0.0.1:1", ["t"], ["a"])._issuer("t", "1.0") == "http://127.0.0.1:1/t/"
