"""What is kept with a connection, as both doors give it back."""

import pytest

from functions._state import GROUPS_MOST, ConnectionState, state_from
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import PublicId

GROUPS = [PublicId(f"5f0f3c1e-6d0b-4b8e-9a58-2d8a4d9e{number:04d}") for number in range(GROUPS_MOST + 1)]


def test_a_state_is_read_as_it_was_written() -> None:
    """Whole each time, so that a door that merges and one that replaces end with the same."""
    full = ConnectionState(session=GROUPS[0], opened=True, groups=tuple(GROUPS[1:3]), typed_at=1763800000.125)

    assert state_from(full.written()) == full
    assert state_from(full.written() | ConnectionState().written()) == ConnectionState()
    assert state_from({}) == ConnectionState()


def test_a_session_of_an_older_version_counts_as_opened() -> None:
    """It knew no groups, and sessions by `session.update` alone."""
    assert state_from({"session": GROUPS[0]}).opened
    assert not state_from({"session": GROUPS[0], "opened": ""}).opened


def test_the_group_joined_last_is_the_last_one() -> None:
    """A group that is joined again moves up; leaving what was not joined changes nothing."""
    state = ConnectionState().joined(GROUPS[0]).joined(GROUPS[1]).joined(GROUPS[0])

    assert state.groups == (GROUPS[1], GROUPS[0])
    assert state.left(GROUPS[1]).left(GROUPS[2]).groups == (GROUPS[0],)


def test_a_connection_joins_so_many_groups_at_most() -> None:
    """The service gives the state back in a header with each event."""
    state = ConnectionState()
    for group in GROUPS[:GROUPS_MOST]:
        state = state.joined(group)

    with pytest.raises(ChatError) as refusal:
        state.joined(GROUPS[GROUPS_MOST])
    assert refusal.value.code is ErrorCode.CONFLICT
    assert state.joined(GROUPS[3]).groups[-1] == GROUPS[3]
