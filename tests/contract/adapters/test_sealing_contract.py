"""Seals of tokens: the same promises by the memory's, the local key's and the Key Vault key's; rotation, loss."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.webpubsub.certificates import CERTIFICATE, server_context
from shared.adapters import key_vault
from shared.adapters.key_vault import KeyVaultKeys
from shared.adapters.memory.identity import MemorySealer
from shared.adapters.sealing import EnvelopeSealer, LocalKey
from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.ids import PublicId, UserId
from shared.ports import TokenSealer

from .vault import Credential, Vault

KEY = base64.b64encode(bytes(range(32))).decode()
SAM, SESSION = UserId("t:sam"), PublicId("s")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
async def vault(certificates: Path) -> AsyncIterator[Vault]:
    """A vault that the official SDK talks to, over TLS."""
    standing = Vault()
    runner = await standing.start(server_context(certificates))
    yield standing
    await runner.cleanup()


@pytest.fixture
def connection(certificates: Path) -> dict[str, object]:
    """What makes the SDK trust a vault of this machine; in Azure it needs nothing."""
    return {"connection_verify": str(certificates / CERTIFICATE), "verify_challenge_resource": False}


@pytest.fixture(params=["memory", "local key", "key vault"])
def sealer(request: pytest.FixtureRequest, vault: Vault, connection: dict[str, object]) -> TokenSealer:
    """Every sealer."""
    if request.param == "memory":
        return MemorySealer()
    local = request.param == "local key"
    return EnvelopeSealer(LocalKey(KEY) if local else KeyVaultKeys(vault.key_id, Credential(), **connection))


@pytest.mark.requirement("sealing:bound")
async def test_a_sealed_token_opens_for_its_own_session_only(sealer: TokenSealer) -> None:
    """Bound to user and session; anything else is `token_expired`."""
    sealed = await sealer.seal("secret", user_id=SAM, session_id=SESSION)

    assert "secret" not in sealed
    assert await sealer.open(sealed, user_id=SAM, session_id=SESSION) == "secret"
    for user, session in ((UserId("t:eve"), SESSION), (SAM, PublicId("other"))):
        with pytest.raises(ChatError) as refused:
            await sealer.open(sealed, user_id=user, session_id=session)
        assert refused.value.code is ErrorCode.TOKEN_EXPIRED


@pytest.mark.parametrize("broken", ["", "x", "local.x", "a.b.c", "local." + base64.b64encode(b"short").decode()])
async def test_what_was_never_sealed_is_token_expired(broken: str, vault: Vault, connection: dict[str, object]) -> None:
    """A store that holds nonsense ends no worker."""
    for keys in (LocalKey(KEY), KeyVaultKeys(vault.key_id, Credential(), **connection)):
        with pytest.raises(ChatError) as refused:
            await EnvelopeSealer(keys).open(broken, user_id=SAM, session_id=SESSION)
        assert refused.value.code is ErrorCode.TOKEN_EXPIRED


@pytest.mark.requirement("sealing:key-vault")
async def test_another_worker_opens_it_and_asks_the_vault_once(vault: Vault, connection: dict[str, object]) -> None:
    """The wrapped data key travels with the seal; unwrapped, it stays in memory."""
    first, second = (EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **connection)) for _ in range(2))
    seals = [await first.seal(f"token {n}", user_id=SAM, session_id=SESSION) for n in range(3)]
    vault.asked.clear()

    opened = [await second.open(sealed, user_id=SAM, session_id=SESSION) for sealed in seals]

    assert opened == ["token 0", "token 1", "token 2"]
    assert [ask.split()[0] for ask in vault.asked] == ["GET", "POST"]
    assert await first.open(seals[0], user_id=SAM, session_id=SESSION) == "token 0"
    assert len(vault.asked) == 2


@pytest.mark.requirement("sealing:key-vault")
async def test_a_new_version_seals_and_the_old_one_still_opens(vault: Vault, connection: dict[str, object]) -> None:
    """Rotation costs nobody a sign-in; a version that is switched off opens nothing any more."""
    (old,) = vault.versions
    before = await EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **connection)).seal(
        "old", user_id=SAM, session_id=SESSION
    )
    new = vault.rotate()
    fresh = EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **connection))
    after = await fresh.seal("new", user_id=SAM, session_id=SESSION)

    assert before.startswith(f"{old}.")
    assert after.startswith(f"{new}.")
    assert await fresh.open(before, user_id=SAM, session_id=SESSION) == "old"
    vault.disabled.add(old)
    with pytest.raises(ChatError) as refused:
        await EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **connection)).open(
            before, user_id=SAM, session_id=SESSION
        )
    assert refused.value.code is ErrorCode.TOKEN_EXPIRED


@pytest.mark.requirement("sealing:key-vault")
async def test_a_data_key_that_is_due_is_kept_while_the_vault_is_down(
    vault: Vault, connection: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage at the wrong hour signs nobody out; the new version is taken up after it."""
    monkeypatch.setattr(key_vault, "KEY_USED_S", -1.0)
    monkeypatch.setattr(key_vault, "ASK_AGAIN_S", -1.0)
    sealer = EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **{**connection, "retry_total": 0}))
    first = await sealer.seal("first", user_id=SAM, session_id=SESSION)
    new = vault.rotate()
    vault.down = True
    during = await sealer.seal("during", user_id=SAM, session_id=SESSION)
    vault.down = False
    after = await sealer.seal("after", user_id=SAM, session_id=SESSION)

    assert during.split(".")[:2] == first.split(".")[:2]
    assert after.startswith(f"{new}.")


async def test_a_vault_that_is_down_is_a_store_that_is_down(vault: Vault, connection: dict[str, object]) -> None:
    """Retryable for the client; and what is known goes on without the vault."""
    known = EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **connection))
    sealed = await known.seal("secret", user_id=SAM, session_id=SESSION)
    vault.down = True

    other = EnvelopeSealer(KeyVaultKeys(vault.key_id, Credential(), **{**connection, "retry_total": 0}))

    with pytest.raises(StoreUnavailable):
        await other.seal("secret", user_id=SAM, session_id=SESSION)
    with pytest.raises(StoreUnavailable):
        await other.open(sealed, user_id=SAM, session_id=SESSION)
    assert await known.open(sealed, user_id=SAM, session_id=SESSION) == "secret"
