"""What newer tokens and Admins say of older ones, as values."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import UserId
from shared.domain.rights import Rights, judge, learn, settled, void

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SAM = UserId("t:sam")
UNKNOWN = Rights(user_id=SAM)


def caller(*roles: str, at: datetime = NOW) -> Caller:
    """Sam by a token of then."""
    return Caller(user_id=SAM, name="Sam", email=None, roles=roles, expires_at=NOW + 60 * SECOND, issued_at=at)


def test_the_first_token_is_believed() -> None:
    """There is nothing to judge it by."""
    assert judge(UNKNOWN, caller("HR", "Sales")) == caller("HR", "Sales")
    assert learn(UNKNOWN, caller("HR")) == Rights(user_id=SAM, roles=("HR",), as_of=NOW)


@pytest.mark.parametrize(
    ("held", "at", "left"),
    [
        (("HR", "Sales"), NOW - SECOND, ("Sales",)), (("HR",), NOW - SECOND, ()),
        (("SALES",), NOW - SECOND, ("SALES",)),
        (("HR",), NOW, ("HR",)), (("HR",), NOW + SECOND, ("HR",)),
    ],
)  # fmt: skip
def test_an_older_token_keeps_what_the_newest_names(held: tuple[str, ...], at: datetime, left: tuple[str, ...]) -> None:
    """One of the same second or later says what holds now."""
    assert judge(Rights(user_id=SAM, roles=("Sales",), as_of=NOW), caller(*held, at=at)).roles == left


@pytest.mark.parametrize(
    ("roles", "unsettled"),
    [(("Sales",), False), (("sales",), False), (("HR",), True), ((), True), (("Sales", "HR"), True)],
)
def test_other_roles_than_before_unsettle_what_is_open(roles: tuple[str, ...], unsettled: bool) -> None:
    """Fewer or more; their spelling does not matter. Of two tokens of one second the one shown later counts."""
    known = Rights(user_id=SAM, roles=("Sales",), as_of=NOW)
    newer = learn(known, caller(*roles, at=NOW + SECOND))

    assert newer == Rights(user_id=SAM, roles=roles, as_of=NOW + SECOND, unsettled=unsettled)
    assert learn(newer, caller("Admin")) == newer
    assert learn(newer, caller("Admin", at=NOW + SECOND)).roles == ("Admin",)
    assert learn(newer, caller(*roles, at=NOW + 2 * SECOND)).unsettled == unsettled
    assert not settled(newer).unsettled


def test_who_was_signed_out_needs_a_newer_token() -> None:
    """One of the same second is void, too: tokens tell whole seconds."""
    out = void(UNKNOWN, NOW)

    assert out.unsettled
    for at in (NOW - SECOND, NOW):
        with pytest.raises(ChatError) as refused:
            judge(out, caller("Sales", at=at))
        assert refused.value.code is ErrorCode.UNAUTHENTICATED
    assert judge(out, caller("Sales", at=NOW + SECOND)).roles == ("Sales",)
