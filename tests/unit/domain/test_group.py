"""Groups: who may do what, and what each change makes of the group."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain import group as rules
from shared.domain.errors import ChatError
from shared.domain.group import Changes, Founding, Group, Member
from shared.domain.identity import Caller, RoleChoice
from shared.domain.ids import PublicId, UserId, group_key, room_name

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KNOWN = ("Finance",)
OWNER, MEMBER, STRANGER, NEWCOMER = (UserId(f"t:{name}") for name in ("owner", "member", "stranger", "newcomer"))
FOREIGNER = UserId("other:foreigner")


def caller(user_id: UserId = OWNER, *roles: str) -> Caller:
    """Somebody with roles of a token."""
    return Caller(user_id=user_id, name=user_id, email=None, roles=roles, expires_at=NOW)


def somebody(user_id: UserId, seq: int = 0) -> Member:
    """A member."""
    return Member(id=user_id, name=user_id, joined_at=NOW, joined_seq=seq)


def founded(wish: Founding | None = None, by: Caller | None = None) -> Group:
    """A new group."""
    group_id = PublicId("b6a1")
    return rules.found(
        wish or Founding(title="Renewals"), by or caller(), KNOWN, group_id=group_id, key=group_key(group_id), now=NOW
    )


@pytest.fixture
def group() -> Group:
    """A group of an owner and a member."""
    return rules.add(founded(), OWNER, somebody(MEMBER, 3))


def refusal(act: Callable[[], Any]) -> str:
    """The code with which something is refused."""
    with pytest.raises(ChatError) as refused:
        act()
    return refused.value.code.value


def test_a_founder_is_the_first_member_and_the_owner() -> None:
    """With the defaults of the protocol."""
    group = founded(Founding(title="  Renewals\n of Q3 "))

    assert (group.owner, group.founder, [one.id for one in group.members]) == (OWNER, OWNER, [OWNER])
    assert (group.title, group.tenant, group.status) == ("Renewals of Q3", "t", "active")
    assert (group.role, group.reply_policy, group.history, group.audience) == (None, "mention", "all", "members")
    assert group.works_as == RoleChoice(shown=None, effective=())


@pytest.mark.requirement("group:role-held")
@pytest.mark.parametrize(
    ("roles", "wish", "given"),
    [
        (("Sales",), "sales", "Sales"),
        (("Sales",), "HR", "forbidden"),
        ((), "Sales", "forbidden"),
        (("admin",), "HR", "HR"),
        (("Admin",), "Finance", "Finance"),
        (("Admin",), "Wizard", "bad_request"),
        ((), None, None),
    ],
)
def test_a_group_works_in_a_role_that_its_founder_holds(roles: tuple[str, ...], wish: str | None, given: str) -> None:
    """An Admin may give any role that there is."""
    wanted = Founding(title="x", role=wish)
    if given in ("forbidden", "bad_request"):
        assert refusal(lambda: founded(wanted, caller(OWNER, *roles))) == given
        return
    group = founded(wanted, caller(OWNER, *roles))

    assert group.role == given
    assert group.works_as == RoleChoice(shown=given, effective=(given,) if given else ())


@pytest.mark.parametrize(("title", "taken"), [("x" * 200, True), ("x" * 201, False), (" \n ", False), ("", False)])
def test_a_title_has_one_to_two_hundred_characters(title: str, taken: bool) -> None:
    """At the foundation and at a change."""
    group = founded()
    if taken:
        assert founded(Founding(title=title)).title == title
        assert rules.change(group, caller(), Changes(title=title), KNOWN).title == title
        return
    assert refusal(lambda: founded(Founding(title=title))) == "bad_request"
    assert refusal(lambda: rules.change(group, caller(), Changes(title=title), KNOWN)) == "bad_request"


Act = Callable[[Group, UserId], Group]


def changing(wish: Changes) -> Act:
    """An owner's change."""
    return lambda group, by: rules.change(group, caller(by), wish, KNOWN)


def add_newcomer(group: Group, by: UserId) -> Group:
    """Let somebody in."""
    return rules.add(group, by, somebody(NEWCOMER))


OWNERS_ACTS: dict[str, Act] = {
    "rename": changing(Changes(title="Other")),
    "hand over": changing(Changes(owner=MEMBER)),
    "archive": changing(Changes(status="archived")),
    "nothing": changing(Changes()),
    "add": add_newcomer,
    "delete": rules.delete,
}


@pytest.mark.requirement("group:rights")
@pytest.mark.parametrize("name", OWNERS_ACTS)
def test_only_the_owner_may_and_to_a_stranger_there_is_no_group(group: Group, name: str) -> None:
    """Forbidden to members, not found to strangers, and to everyone once it is deleted."""
    act = OWNERS_ACTS[name]

    assert act(group, OWNER) is not None
    assert refusal(lambda: act(group, MEMBER)) == "forbidden"
    assert refusal(lambda: act(group, STRANGER)) == "not_found"
    assert refusal(lambda: act(rules.delete(group, OWNER), OWNER)) == "not_found"


def test_a_stranger_reads_the_same_words_as_for_no_group(group: Group) -> None:
    """Nobody learns that a group exists."""
    words: set[str] = set()
    for one in (None, group, rules.delete(group, OWNER)):
        with pytest.raises(ChatError) as refused:
            rules.require_member(one, STRANGER)
        words.add(refused.value.message)

    assert len(words) == 1
    assert rules.require_member(group, MEMBER) == somebody(MEMBER, 3)


def test_what_is_not_wished_stays_as_it_is(group: Group) -> None:
    """Each field by itself."""
    changed = rules.change(group, caller(), Changes(reply_policy="always"), KNOWN)
    again = rules.change(changed, caller(), Changes(history="since_join", audience="role"), KNOWN)

    assert changed == replace(group, reply_policy="always")
    assert again == replace(changed, history="since_join", audience="role")


def test_a_role_is_set_by_an_owner_who_holds_it_or_by_an_admin_among_the_members(group: Group) -> None:
    """And by an Admin nothing else of somebody else's group."""
    wish = Changes(role="HR")

    assert rules.change(group, caller(OWNER, "HR"), wish, KNOWN).role == "HR"
    assert refusal(lambda: rules.change(group, caller(OWNER, "Sales"), wish, KNOWN)) == "forbidden"
    assert refusal(lambda: rules.change(group, caller(OWNER, "HR"), Changes(role="Wizard"), KNOWN)) == "bad_request"
    assert rules.change(group, caller(MEMBER, "Admin"), wish, KNOWN).role == "HR"
    assert refusal(lambda: rules.change(group, caller(MEMBER, "HR"), wish, KNOWN)) == "forbidden"
    assert refusal(lambda: rules.change(group, caller(STRANGER, "Admin"), wish, KNOWN)) == "not_found"
    both = Changes(role="HR", title="Mine now")
    assert refusal(lambda: rules.change(group, caller(MEMBER, "Admin"), both, KNOWN)) == "forbidden"


def test_a_role_can_be_taken_away_and_naming_the_present_one_changes_nothing(group: Group) -> None:
    """An owner without the role may still rename with a form that sends all fields."""
    hr = replace(group, role="HR")

    assert rules.change(hr, caller(), Changes(role=""), KNOWN).role is None
    assert rules.change(hr, caller(), Changes(role="hr", title="New"), KNOWN) == replace(hr, title="New")


@pytest.mark.parametrize("wish", [Changes(role=""), Changes(role="Sales"), Changes(audience="members")], ids=str)
def test_who_lacks_the_role_does_not_loosen_what_is_bound_to_it(group: Group, wish: Changes) -> None:
    """An owner to whom a group was handed over does not open its answers to themselves."""
    bound = replace(group, role="HR", audience="role")

    assert refusal(lambda: rules.change(bound, caller(OWNER, "Sales"), wish, KNOWN)) == "forbidden"
    assert rules.change(bound, caller(OWNER, "HR", "Sales"), wish, KNOWN).bound_to != "HR"


def test_a_group_is_handed_over_to_a_member_who_then_alone_is_the_owner(group: Group) -> None:
    """The former owner may leave then."""
    handed = rules.change(group, caller(), Changes(owner=MEMBER), KNOWN)

    assert handed.owner == MEMBER
    assert [one.id for one in rules.remove(handed, OWNER, OWNER).members] == [MEMBER]
    assert refusal(lambda: rules.add(handed, OWNER, somebody(NEWCOMER))) == "forbidden"
    assert refusal(lambda: rules.change(group, caller(), Changes(owner=STRANGER), KNOWN)) == "conflict"


@pytest.mark.requirement("group:members")
def test_who_is_added_twice_from_elsewhere_or_beyond_the_bound_is_refused(group: Group) -> None:
    """Each with an error of its own."""
    assert rules.add(group, OWNER, somebody(NEWCOMER, 7)).member(NEWCOMER) == somebody(NEWCOMER, 7)
    assert refusal(lambda: rules.add(group, OWNER, somebody(MEMBER))) == "conflict"
    assert refusal(lambda: rules.add(group, OWNER, somebody(OWNER))) == "conflict"
    assert refusal(lambda: rules.add(group, OWNER, somebody(FOREIGNER))) == "forbidden"
    crowd = tuple(somebody(UserId(f"t:{number}")) for number in range(rules.MEMBERS_MOST - 1))
    full = replace(group, members=(somebody(OWNER), *crowd))
    assert refusal(lambda: rules.add(full, OWNER, somebody(NEWCOMER))) == "conflict"


@pytest.mark.requirement("group:owner-hands-over")
def test_members_leave_owners_remove_and_an_owner_must_hand_over_first(group: Group) -> None:
    """A member removes nobody else."""
    three = rules.add(group, OWNER, somebody(NEWCOMER))

    assert rules.remove(group, MEMBER, MEMBER).member(MEMBER) is None
    assert rules.remove(group, OWNER, MEMBER).member(MEMBER) is None
    assert refusal(lambda: rules.remove(group, OWNER, OWNER)) == "conflict"
    assert refusal(lambda: rules.remove(three, MEMBER, NEWCOMER)) == "forbidden"
    assert refusal(lambda: rules.remove(three, MEMBER, OWNER)) == "forbidden"
    assert refusal(lambda: rules.remove(group, OWNER, STRANGER)) == "not_found"
    assert refusal(lambda: rules.remove(group, STRANGER, MEMBER)) == "not_found"
    for whom in (MEMBER, STRANGER):
        with pytest.raises(ChatError, match=rules.NO_SUCH_GROUP):
            rules.remove(group, STRANGER, whom)


def test_an_archived_group_is_left_handed_over_deleted_and_taken_back_but_not_changed(group: Group) -> None:
    """It is read on."""
    archived = rules.change(group, caller(), Changes(status="archived"), KNOWN)

    assert rules.require_member(archived, MEMBER).id == MEMBER
    assert refusal(lambda: rules.change(archived, caller(), Changes(title="New"), KNOWN)) == "conflict"
    assert refusal(lambda: rules.add(archived, OWNER, somebody(NEWCOMER))) == "conflict"
    assert rules.remove(archived, MEMBER, MEMBER).status == "archived"
    assert rules.change(archived, caller(), Changes(owner=MEMBER), KNOWN).owner == MEMBER
    assert rules.change(archived, caller(), Changes(status="active", title="New"), KNOWN).title == "New"
    assert rules.delete(archived, OWNER).members == ()


@pytest.mark.parametrize(
    ("role", "audience", "roles", "hears"),
    [
        ("HR", "members", (), True),
        (None, "role", (), True),
        ("HR", "role", (), False),
        ("HR", "role", ("Sales",), False),
        ("HR", "role", ("sales", "hr"), True),
        ("HR", "role", ("Admin",), True),
    ],
)
def test_with_audience_role_only_who_holds_the_role_hears(
    group: Group,
    role: str | None,
    audience: rules.Audience,
    roles: tuple[str, ...],
    hears: bool,
) -> None:
    """The default is that being added is the grant."""
    assert rules.holds(roles, replace(group, role=role, audience=audience).bound_to) is hears


def test_keys_and_rooms_are_made_from_the_id_alone(group: Group) -> None:
    """A group id in capitals is the same group; a role's room is another one."""
    conversation = group.conversation

    assert (conversation.kind, conversation.public_id, conversation.owner) == ("group", "b6a1", OWNER)
    assert group_key(PublicId("B6A1")) == group.key == conversation.key
    assert len({room_name(group.key), room_name(group.key, "HR"), room_name(group.key, "Sales")}) == 3
    assert room_name(group.key, "HR") == room_name(group.key, "hr")


def tried(chance: random.Random, group: Group, by: Caller, whom: UserId) -> Group:
    """Do something to a group, whether or not this person may."""
    wishes = [Changes(owner=whom), Changes(role=chance.choice(["", "HR", "Sales"])), Changes(audience="role")]
    wishes.append(Changes(status=chance.choice(["active", "archived"])))
    match chance.randrange(3):
        case 0:
            return rules.add(group, by.user_id, somebody(whom))
        case 1:
            return rules.remove(group, by.user_id, whom)
        case _:
            return rules.change(group, by, chance.choice(wishes), KNOWN)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_people_try_a_group_keeps_its_laws(seed: int) -> None:
    """One owner who is a member, nobody twice, nobody from elsewhere, and no role but of somebody who holds it."""
    chance = random.Random(seed)
    people = [OWNER, MEMBER, STRANGER, NEWCOMER, FOREIGNER]
    callers = [caller(user, *chance.sample(["Sales", "HR", "Finance"], chance.randint(0, 2))) for user in people]
    group, changed = founded(), 0
    for _ in range(300):
        by, whom = chance.choice(callers), chance.choice(people)
        try:
            after = tried(chance, group, by, whom)
        except ChatError:
            continue
        ids = [one.id for one in after.members]
        assert group.member(by.user_id) is not None, "only members change a group"
        assert after.owner in ids
        assert len(ids) == len(set(ids))
        assert FOREIGNER not in ids
        assert after.role in (group.role, None, *by.roles)
        changed += after != group
        group = after
    assert changed, "the walk goes somewhere"
