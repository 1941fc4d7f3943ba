"""Groups and people over REST, each route with every refusal that it has."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from functions import _edge
from functions.api import groups, members, messages, people
from shared.adapters.memory.delivery import MemoryEngine
from shared.adapters.memory.erasure import MemoryEraser
from shared.adapters.memory.identity import MemoryVerifier
from shared.domain.conversation import Head
from shared.domain.errors import StoreUnavailable
from shared.domain.group import Group
from shared.domain.identity import Caller
from shared.domain.ids import PublicId, RoomName, UserId, group_key, room_name
from shared.domain.people import Profile
from shared.flow import membership
from shared.flow.people import remember
from shared.wire.documents import head_document
from tests.unit.flow.conftest import Room

ADA, HANA, SAM, TESS, EVE = (UserId(user) for user in ("t:ada", "t:hana", "t:sam", "t:tess", "other:eve"))
ROLES = {ADA: ("Admin",), HANA: ("HR",), SAM: ("Sales",), TESS: (), EVE: ("Sales",)}
NEVER = "t:nobody"
NO_GROUP = "99999999-9999-4999-8999-999999999999"


@dataclass(frozen=True)
class Answer:
    """What a route answered."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        """The data of a success."""
        assert self.body["success"], self.body
        return self.body["data"]

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of a failure."""
        return self.status, self.body["error"]["code"]


class Office:
    """Five people who signed in, four of one tenant, and the routes that they call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = Room()
        now = self.room.clock.now()
        self.callers = {
            user: Caller(
                user_id=user,
                name=f"{user.partition(':')[2].title()} Sample",
                email=f"{user.partition(':')[2]}@example.com",
                roles=roles,
                expires_at=now + timedelta(hours=1),
            )
            for user, roles in ROLES.items()
        }
        verifier = MemoryVerifier(dict(self.callers.items()), self.room.clock)
        self.services = replace(self.room.services, verifier=verifier)
        monkeypatch.setattr(_edge, "build_services", lambda: self.services)
        monkeypatch.setattr(groups, "engine", self.engine)
        monkeypatch.setattr(messages, "engine", self.engine)
        monkeypatch.setattr(groups, "eraser", lambda: MemoryEraser(self.room.conversations, self.room.users))

    def engine(self, _client: object) -> MemoryEngine:
        """Give the engine in place of the host's."""
        return self.room.engine

    async def sign_everyone_in(self) -> None:
        """Remember everyone, as `session.update` does."""
        for caller in self.callers.values():
            await remember(self.services, caller)

    async def call(
        self, route: Any, user: str | None, /, *, body: Any = None, query: dict[str, str] | None = None, **path: str
    ) -> Answer:
        """Call a route as somebody."""
        request = func.HttpRequest(
            method="",
            url="/api",
            headers={} if user is None else {"authorization": f"Bearer {user}"},
            params=query or {},
            route_params=path,
            body=body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode(),
        )
        if route in (groups.delete_group, messages.say_in_group):
            # The durable client that the host binds is of no use here: the engine is the memory's own.
            response = await inspect.unwrap(route._function.get_user_function())(request, None)
        else:
            response = await route(request)
        return Answer(response.status_code, json.loads(response.get_body()))

    async def found(self, user: str = SAM, **wish: Any) -> str:
        """Found a group and give its id."""
        answer = await self.call(groups.found_group, user, body={"title": "Renewals"} | wish)
        assert answer.status == 201, answer.body
        return answer.data["group_id"]

    async def add(self, group: str, user: str, by: str = SAM) -> Answer:
        """Add somebody to a group."""
        return await self.call(members.add_member, by, id=group, user=user)

    async def patch(self, group: str, by: str = SAM, **changes: Any) -> Answer:
        """Change a group."""
        return await self.call(groups.change_group, by, id=group, body=changes)

    async def remove(self, group: str, user: str, by: str = SAM) -> Answer:
        """Remove somebody, or leave."""
        return await self.call(members.remove_member, by, id=group, user=user)

    async def listed(self, user: str) -> list[str]:
        """The groups in somebody's list."""
        return [item["group_id"] for item in (await self.call(groups.groups, user)).data["items"]]

    def heard(self, user: UserId) -> list[str]:
        """What somebody was told on all their connections, and why."""
        frames = [sent.frame for sent in self.room.channel.sent if sent.user_id == user]
        return [" ".join([frame.type, getattr(frame, "reason", "")]).strip() for frame in frames]

    def noticed(self) -> list[tuple[str, str | None, str | None]]:
        """Kind, person concerned and role of the security events."""
        return [(event.kind.value, event.member, event.role) for event in self.room.security.events]


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office in which everyone has signed in."""
    office = Office(monkeypatch)
    await office.sign_everyone_in()
    return office


ROUTES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "POST groups": (groups.found_group, {}, {"title": "x"}),
    "GET groups": (groups.groups, {}, None),
    "GET group": (groups.group, {"id": NO_GROUP}, None),
    "PATCH group": (groups.change_group, {"id": NO_GROUP}, {"title": "x"}),
    "DELETE group": (groups.delete_group, {"id": NO_GROUP}, None),
    "PUT member": (members.add_member, {"id": NO_GROUP, "user": HANA}, None),
    "DELETE member": (members.remove_member, {"id": NO_GROUP, "user": HANA}, None),
    "GET people": (people.people, {}, None),
}


@pytest.mark.requirement("group:rest-rows")
@pytest.mark.parametrize("name", ROUTES)
async def test_without_a_token_or_with_an_email_parameter_nothing_is_answered(office: Office, name: str) -> None:
    """401, and 400 for who names an identity."""
    route, path, body = ROUTES[name]
    query = {"query": "sam"}

    assert (await office.call(route, None, query=query, body=body, **path)).refusal == (401, "unauthenticated")
    assert (await office.call(route, "forged", query=query, body=body, **path)).refusal == (401, "unauthenticated")
    named = query | {"email": "sam@example.com"}
    assert (await office.call(route, SAM, query=named, body=body, **path)).refusal == (400, "bad_request")


@pytest.mark.requirement("group:stranger-404")
@pytest.mark.parametrize("name", [name for name, (_, path, _) in ROUTES.items() if path])
async def test_a_stranger_gets_the_very_answer_of_a_group_that_is_not_there(office: Office, name: str) -> None:
    """Status, code and words, for an Admin of the tenant too."""
    route, path, body = ROUTES[name]
    there: dict[str, Any] = path | {"id": await office.found()}
    no_uuid: dict[str, Any] = path | {"id": "no-uuid"}

    for user in (TESS, ADA, EVE):
        absent = await office.call(route, user, body=body, **path)
        theirs = await office.call(route, user, body=body, **there)
        for answer in (absent, theirs):
            answer.body["error"].pop("correlation_id")
        assert absent == theirs
        assert absent.refusal == (404, "not_found")
    assert (await office.call(route, SAM, body=body, **no_uuid)).refusal == (404, "not_found")


async def test_a_founder_owns_a_group_with_the_defaults(office: Office) -> None:
    """201 with everything that the list shows later; no identity is taken from the body."""
    body = {"title": "  Renewals  ", "owner": HANA, "email": "hana@example.com", "group_id": NO_GROUP}
    answer = await office.call(groups.found_group, SAM, body=body)

    assert answer.status == 201
    shown = {key: value for key, value in answer.data.items() if key not in ("group_id", "created_at", "members")}
    assert shown == {
        "title": "Renewals",
        "role": None,
        "reply_policy": "mention",
        "history": "all",
        "audience": "members",
        "status": "active",
        "owner": SAM,
        "revision": 0,
        "last_seq": 0,
        "unread": 0,
        "active_turn": None,
        "waiting": [],
    }
    assert [(one["id"], one["name"]) for one in answer.data["members"]] == [(SAM, "Sam Sample")]
    assert answer.data["group_id"] != NO_GROUP
    assert await office.listed(SAM) == [answer.data["group_id"]]
    assert office.heard(SAM) == ["group.added"]


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"title": ""}, {"title": " "}, {"title": "x" * 201}, {"title": 1}, {"title": "x", "role": "Wizard"}),
        *({"title": "x", "history": "some"}, {"title": "x", "reply_policy": "never"}, [], b"\xff", b"{", b""),
        {"title": "x", "audience": "all"},
        *({"title": "x", "idempotency_key": key} for key in ("", "x", 7, "0" * 32)),
    ],
    ids=str,
)
async def test_a_group_that_cannot_be_is_bad_request(office: Office, body: Any) -> None:
    """And founds nothing."""
    assert (await office.call(groups.found_group, SAM, body=body)).refusal == (400, "bad_request")
    assert await office.listed(SAM) == []


KEY = "7c0d1a52-0b0e-4f5e-9d8a-3f5b6c7d8e9f"


@pytest.mark.requirement("group:founded-once")
async def test_a_founding_that_is_repeated_gives_the_first_group_as_it_is_now(office: Office) -> None:
    """One group, told once; another person's same key and one's own other key found others."""
    group = await office.found(idempotency_key=KEY)
    await office.patch(group, title="Renewals of Q4")

    again = await office.call(groups.found_group, SAM, body={"title": "Renewals", "idempotency_key": KEY.upper()})

    assert (again.status, again.data["group_id"], again.data["title"]) == (201, group, "Renewals of Q4")
    assert await office.listed(SAM) == [group]
    assert office.heard(SAM).count("group.added") == 1
    assert await office.found(HANA, idempotency_key=KEY) != group
    assert await office.found(idempotency_key=NO_GROUP) != group
    assert await office.found() != await office.found()


@pytest.mark.requirement("group:founded-once")
async def test_foundings_with_one_key_at_the_same_moment_make_one_group(office: Office) -> None:
    """Whoever is slower gets the other's."""
    made = await asyncio.gather(*(office.found(idempotency_key=KEY) for _ in range(3)))

    assert await office.listed(SAM) == [made[0]]
    assert len(set(made)) == 1


@pytest.mark.requirement("group:founded-once")
@pytest.mark.parametrize("written", [False, True])
async def test_a_founding_whose_write_was_cut_short_is_made_good_by_its_repetition(
    office: Office, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Whether the group was stored before the store fell silent or not."""
    put = office.room.services.groups.put_group

    async def cut_short(group: Group, etag: str | None) -> bool:
        if written:
            await put(group, etag)
        raise StoreUnavailable("the answer was lost")

    wish = {"title": "Renewals", "idempotency_key": KEY}
    with monkeypatch.context() as broken:
        broken.setattr(office.room.services.groups, "put_group", cut_short)
        assert (await office.call(groups.found_group, SAM, body=wish)).refusal == (500, "internal")

    group = await office.found(**wish)

    assert await office.listed(SAM) == [group]


@pytest.mark.requirement("group:founded-once")
@pytest.mark.parametrize("left", [False, True])
async def test_a_founding_that_is_repeated_brings_no_lost_group_back(office: Office, left: bool) -> None:
    """Deleted, or left by its founder: it is not in the list again either."""
    group = await office.found(idempotency_key=KEY)
    if left:
        await office.add(group, HANA)
        await office.patch(group, owner=HANA)
        await office.remove(group, SAM)
    else:
        await office.call(groups.delete_group, SAM, id=group)

    again = await office.call(groups.found_group, SAM, body={"title": "Renewals", "idempotency_key": KEY})

    assert again.refusal == (404, "not_found")
    assert await office.listed(SAM) == []


@pytest.mark.requirement("group:role-held")
async def test_a_sales_member_cannot_make_an_hr_group(office: Office) -> None:
    """An Admin and a person of HR can; which role a group has is a security event."""
    wish = {"title": "x", "role": "HR"}

    assert (await office.call(groups.found_group, SAM, body=wish)).refusal == (403, "forbidden")
    assert (await office.call(groups.found_group, TESS, body=wish)).refusal == (403, "forbidden")
    for user in (HANA, ADA):
        await office.found(user, role="hr")
    group = await office.found(SAM)
    assert (await office.patch(group, role="HR")).refusal == (403, "forbidden")
    assert (await office.patch(group, role="Sales")).data["role"] == "Sales"
    assert (await office.patch(group, title="No role named")).data["role"] == "Sales"
    assert (await office.patch(group, role=None)).data["role"] is None
    roles = [role for kind, _, role in office.noticed() if kind == "group_role_set"]
    assert roles == ["HR", "HR", "Sales", None]


@pytest.mark.requirement("group:members")
async def test_adding_somebody_is_the_owners_recorded_grant(office: Office) -> None:
    """The newcomer hears it on every connection, the group hears of the newcomer."""
    group = await office.found(role="Sales")
    answer = await office.add(group, TESS)

    assert answer.data == {"group_id": group, "user": {"id": TESS, "name": "Tess Sample"}}
    assert await office.listed(TESS) == [group]
    assert office.heard(TESS) == ["group.added"]
    room = [sent for sent in office.room.channel.sent if sent.room is not None]
    assert [(sent.room, sent.frame.type) for sent in room] == [(room_name(group_key(PublicId(group))), "member.joined")]
    assert ("member_added", TESS, "Sales") in office.noticed()
    assert (await office.call(groups.group, TESS, id=group)).data["owner"] == SAM


@pytest.mark.requirement("group:never-signed-in")
async def test_who_can_be_no_member_is_refused_with_a_sentence_of_its_own(office: Office) -> None:
    """Twice, oneself, another tenant, never signed in, no id at all; by members: forbidden."""
    group = await office.found()
    await office.add(group, TESS)
    answers = {user: await office.add(group, user) for user in (TESS, SAM, EVE, NEVER, "sam@example.com")}

    assert {user: answer.refusal for user, answer in answers.items()} == {
        TESS: (409, "conflict"),
        SAM: (409, "conflict"),
        EVE: (403, "forbidden"),
        NEVER: (404, "not_found"),
        "sam@example.com": (400, "bad_request"),
    }
    assert "never signed in" in answers[NEVER].body["error"]["message"]
    assert len({answer.body["error"]["message"] for answer in answers.values()}) == 5
    for user in (HANA, NEVER, EVE):
        assert (await office.add(group, user, by=TESS)).refusal == (403, "forbidden")


@pytest.mark.requirement("group:removed-hears-nothing")
async def test_a_removed_member_is_taken_out_of_every_room_before_anything_is_told(office: Office) -> None:
    """The rooms of roles too; then they and the group hear of it."""
    group = await office.found(role="Sales")
    await office.add(group, TESS)
    office.room.channel.sent.clear()
    told_when_expelled: list[int] = []
    expel = office.room.channel.expel

    async def watched(room: RoomName, user: UserId) -> None:
        told_when_expelled.append(len(office.room.channel.sent))
        await expel(room, user)

    office.room.channel.expel = watched  # type: ignore[method-assign]
    answer = await office.remove(group, TESS)

    assert answer.data == {"group_id": group, "user": {"id": TESS}}
    key = group_key(PublicId(group))
    assert (room_name(key), TESS) in office.room.channel.expelled
    assert {(room_name(key, role), TESS) for role in ("Sales", "HR", "Admin")} <= set(office.room.channel.expelled)
    assert set(told_when_expelled) == {0}
    assert office.heard(TESS) == ["group.removed removed"]
    assert [sent.frame.type for sent in office.room.channel.sent if sent.room] == ["member.left"]
    assert await office.listed(TESS) == []
    assert (await office.call(groups.group, TESS, id=group)).refusal == (404, "not_found")
    assert ("member_removed", TESS, None) in office.noticed()
    assert (await office.remove(group, TESS)).refusal == (404, "not_found")
    assert (await office.remove(group, TESS, by=TESS)).refusal == (404, "not_found")


async def test_a_removal_that_the_service_did_not_hear_of_is_told_and_repeated(office: Office) -> None:
    """Off the list at once; the same request takes them out of the rooms."""
    group = await office.found()
    await office.add(group, TESS)
    office.room.channel.refusals = 1000
    first = await office.remove(group, TESS)
    office.room.channel.refusals = 0

    assert first.refusal == (500, "internal")
    assert (await office.call(groups.group, TESS, id=group)).refusal == (404, "not_found")
    assert office.room.channel.expelled == []
    assert (await office.remove(group, TESS)).refusal == (404, "not_found")
    assert (room_name(group_key(PublicId(group))), TESS) in office.room.channel.expelled


@pytest.mark.requirement("group:removed-hears-nothing")
async def test_a_host_that_dies_while_it_removes_somebody_leaves_nobody_listening(office: Office) -> None:
    """They are out of the rooms before they are off the list; who joins meanwhile looks at the list again."""
    group = await office.found()
    await office.add(group, TESS)
    key = group_key(PublicId(group))
    put = office.services.groups.put_group

    async def dies(changed: Group, etag: str | None) -> bool:
        await put(changed, etag)
        raise asyncio.CancelledError

    office.services.groups.put_group = dies  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await membership.remove(office.services, office.callers[SAM], PublicId(group), TESS)

    assert (await office.call(groups.group, TESS, id=group)).refusal == (404, "not_found")
    assert {room for room, user in office.room.channel.expelled if user == TESS} >= {
        room_name(key),
        room_name(key, "HR"),
    }


async def test_a_moment_of_the_services_absence_is_waited_for(office: Office) -> None:
    """The removed person is silent all the same."""
    group = await office.found()
    await office.add(group, TESS)
    office.room.channel.refusals = 2

    assert (await office.remove(group, TESS)).status == 200
    assert (room_name(group_key(PublicId(group))), TESS) in office.room.channel.expelled


@pytest.mark.requirement("group:owner-hands-over")
async def test_an_owner_leaves_only_after_handing_over(office: Office) -> None:
    """Then the former owner is a member like others."""
    group = await office.found()
    await office.add(group, TESS)
    await office.add(group, HANA)

    assert (await office.remove(group, SAM)).refusal == (409, "conflict")
    assert (await office.patch(group, owner=ADA)).refusal == (409, "conflict")
    assert (await office.patch(group, by=TESS, owner=TESS)).refusal == (403, "forbidden")
    assert (await office.remove(group, HANA, by=TESS)).refusal == (403, "forbidden")
    assert (await office.patch(group, owner=TESS)).data["owner"] == TESS
    assert ("group_handed_over", TESS, None) in office.noticed()
    assert (await office.patch(group, title="Mine?")).refusal == (403, "forbidden")
    assert (await office.remove(group, SAM)).status == 200
    assert office.heard(SAM)[-1] == "group.removed left"
    assert [one["id"] for one in (await office.call(groups.group, TESS, id=group)).data["members"]] == [TESS, HANA]


async def test_an_archived_group_is_read_and_taken_back_and_everyone_hears_it(office: Office) -> None:
    """Nothing else of it changes meanwhile."""
    group = await office.found()
    await office.add(group, TESS)
    archived = await office.patch(group, status="archived")

    assert archived.data["status"] == "archived"
    assert office.heard(TESS)[-1] == office.heard(SAM)[-1] == "group.removed archived"
    assert (await office.call(groups.group, TESS, id=group)).data["status"] == "archived"
    assert (await office.patch(group, title="New")).refusal == (409, "conflict")
    assert (await office.add(group, HANA)).refusal == (409, "conflict")
    assert (await office.patch(group, by=TESS, status="active")).refusal == (403, "forbidden")
    assert (await office.patch(group, status="active")).data["status"] == "active"
    assert office.heard(TESS)[-1] == "group.added"


@pytest.mark.requirement("group:deleted")
async def test_a_deleted_group_is_gone_for_everyone_at_once(office: Office) -> None:
    """Its owner among them; and nothing of it stays but the mark that it has ended."""
    group = await office.found()
    await office.add(group, TESS)
    stored = await office.services.groups.group(group_key(PublicId(group)))
    assert stored is not None
    head = head_document(Head(conversation=stored.group.conversation, next_seq=8))
    office.room.conversations.bind([head])

    assert (await office.call(groups.delete_group, TESS, id=group)).refusal == (403, "forbidden")
    assert (await office.call(groups.delete_group, SAM, id=group)).data == {"group_id": group}
    key = group_key(PublicId(group))
    for user in (SAM, TESS):
        assert (room_name(key), user) in office.room.channel.expelled
        assert office.heard(user)[-1] == "group.removed deleted"
        assert await office.listed(user) == []
        assert (await office.call(groups.group, user, id=group)).refusal == (404, "not_found")
    assert (await office.call(groups.delete_group, SAM, id=group)).refusal == (404, "not_found")
    assert (await office.add(group, HANA)).refusal == (404, "not_found")
    assert office.room.conversations.documents(key) == []


@pytest.mark.requirement("group:deleted")
async def test_a_deletion_that_was_cut_short_is_gone_on_with(office: Office) -> None:
    """By its owner, to whom the group is gone; others learn nothing."""
    group = await office.found()
    await office.add(group, TESS)
    key = group_key(PublicId(group))
    stored = await office.services.groups.group(key)
    assert stored is not None
    head = head_document(Head(conversation=stored.group.conversation, next_seq=8))
    office.room.conversations.bind([head])
    await membership.delete(office.services, office.callers[SAM], PublicId(group))

    assert (await office.call(groups.delete_group, TESS, id=group)).refusal == (404, "not_found")
    assert office.room.conversations.documents(key) != []
    assert (await office.call(groups.delete_group, SAM, id=group)).status == 200
    assert office.room.conversations.documents(key) == []
    assert (await office.call(groups.delete_group, SAM, id=group)).refusal == (404, "not_found")


@pytest.mark.requirement("group:changes-side-by-side")
async def test_changes_at_the_same_time_lose_nothing(office: Office) -> None:
    """Ten people are added while the title and the policy change."""
    group = await office.found()
    crowd = [UserId(f"t:person{number}") for number in range(10)]
    for user in crowd:
        await remember(office.services, replace(office.callers[TESS], user_id=user, name=user))
    adds = [office.add(group, user) for user in crowd]
    answers = await asyncio.gather(*adds, office.patch(group, title="New"), office.patch(group, reply_policy="always"))

    assert {answer.status for answer in answers} == {200}
    shown = (await office.call(groups.group, SAM, id=group)).data
    assert {one["id"] for one in shown["members"]} == {SAM, *crowd}
    assert (shown["title"], shown["reply_policy"]) == ("New", "always")


async def test_of_two_who_add_the_same_person_one_is_told_so(office: Office) -> None:
    """Nobody is in a group twice."""
    group = await office.found()
    answers = await asyncio.gather(office.add(group, TESS), office.add(group, TESS))

    assert sorted(answer.status for answer in answers) == [200, 409]
    shown = (await office.call(groups.group, SAM, id=group)).data
    assert [one["id"] for one in shown["members"]] == [SAM, TESS]


async def test_a_newcomer_has_nothing_unread_and_joins_at_the_present_number(office: Office) -> None:
    """With history since the join, what was said before is not theirs."""
    group = await office.found(history="since_join")
    stored = await office.services.groups.group(group_key(PublicId(group)))
    assert stored is not None
    head = head_document(Head(conversation=stored.group.conversation, next_seq=8))
    office.room.conversations.bind([head | {"_etag": "1"}])
    await office.add(group, TESS)
    after = await office.services.groups.group(group_key(PublicId(group)))
    assert after is not None
    tess = after.group.member(TESS)
    assert tess is not None

    assert tess.joined_seq == 7
    assert (await office.call(groups.group, TESS, id=group)).data["unread"] == 0
    assert (await office.call(groups.group, SAM, id=group)).data["unread"] == 7


async def test_groups_are_listed_page_by_page_and_a_cursor_is_of_one_person(office: Office) -> None:
    """As sessions are; the group joined last comes first."""
    made: list[str] = []
    for _ in range(3):
        made.append(await office.found())
        office.room.clock.advance(1)
    first = (await office.call(groups.groups, SAM, query={"limit": "2"})).data
    rest = (await office.call(groups.groups, SAM, query={"limit": "2", "cursor": first["next_cursor"]})).data

    assert [item["group_id"] for item in (*first["items"], *rest["items"])] == made[::-1]
    assert "next_cursor" not in rest
    foreign = await office.call(groups.groups, TESS, query={"cursor": first["next_cursor"]})
    assert foreign.refusal == (400, "bad_request")
    assert (await office.call(groups.groups, SAM, query={"limit": "0"})).refusal == (400, "bad_request")


@pytest.mark.requirement("people:search")
async def test_people_find_those_of_their_tenant_who_signed_in(office: Office) -> None:
    """By name or e-mail, two letters or more."""
    found = await office.call(people.people, TESS, query={"query": "SAM"})

    # Every name here holds "Sample".
    assert [one["name"] for one in found.data["items"]] == ["Ada Sample", "Hana Sample", "Sam Sample", "Tess Sample"]
    by_mail = await office.call(people.people, SAM, query={"query": "hana@ex"})
    assert by_mail.data == {"items": [{"id": HANA, "name": "Hana Sample", "email": "hana@example.com"}]}
    assert (await office.call(people.people, EVE, query={"query": "hana"})).data == {"items": []}
    for query in ({}, {"query": "a"}, {"query": " a "}, {"query": "x" * 101}):
        assert (await office.call(people.people, SAM, query=query)).refusal == (400, "bad_request")
    page = (await office.call(people.people, SAM, query={"query": "sample", "limit": "3"})).data
    assert len(page["items"]) == 3
    rest = await office.call(people.people, SAM, query={"query": "sample", "cursor": page["next_cursor"]})
    assert [one["name"] for one in rest.data["items"]] == ["Tess Sample"]


async def test_a_profile_is_written_when_it_changes_or_once_a_day_and_never_stops_a_sign_in(
    office: Office,
) -> None:
    """A busy store is no reason to refuse somebody who proved who they are."""
    written: list[Profile] = []
    keep = office.services.people.remember

    async def watched(profile: Profile) -> None:
        written.append(profile)
        await keep(profile)

    office.services.people.remember = watched  # type: ignore[method-assign]
    sam = office.callers[SAM]
    await remember(office.services, sam)
    await remember(office.services, replace(sam, name="Sam Seller"))
    await remember(office.services, replace(sam, name="Sam Seller"))
    office.room.clock.advance(24 * 3600 + 1)
    await remember(office.services, replace(sam, name="Sam Seller"))

    async def busy(_profile: Profile) -> None:
        raise StoreUnavailable("upsert: 429")

    office.services.people.remember = busy  # type: ignore[method-assign]
    await remember(office.services, sam)

    assert [profile.name for profile in written] == ["Sam Seller", "Sam Seller"]


async def test_a_change_that_is_always_overtaken_is_refused_and_may_be_repeated(office: Office) -> None:
    """It does not wait for ever."""
    group = await office.found()

    async def overtaken(_group: Group, _etag: str | None) -> bool:
        await asyncio.sleep(0)
        return False

    office.services.groups.put_group = overtaken  # type: ignore[method-assign]
    assert (await office.patch(group, title="New")).refusal == (429, "rate_limited")


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": 7},
        {"status": "deleted"},
        {"owner": "sam@example.com"},
        {"history": None, "audience": "x"},
    ],
    ids=str,
)
async def test_a_change_that_cannot_be_is_bad_request(office: Office, changes: dict[str, Any]) -> None:
    """And changes nothing."""
    group = await office.found()

    assert (await office.patch(group, **changes)).refusal == (400, "bad_request")


async def test_a_group_shows_what_runs_and_what_waits_in_it(office: Office) -> None:
    """As a session does."""
    group = await office.found(reply_policy="always")
    for _ in range(2):
        said = await office.call(messages.say_in_group, SAM, id=group, body={"content": "How are we?"})
        assert said.status == 202, said.body
        office.room.clock.advance(11)
    shown = (await office.call(groups.group, SAM, id=group)).data

    assert shown["active_turn"]["status"] == "running"
    assert len(shown["waiting"]) == 1
    assert (shown["last_seq"], shown["unread"]) == (2, 2)
