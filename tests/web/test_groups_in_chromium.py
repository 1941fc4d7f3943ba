"""Groups on the page, in a real browser: the list, who said what, who is in it, and how one is founded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .scripted_service import ScriptedService

pytestmark = pytest.mark.browser

ARTEFACTS = Path(__file__).resolve().parents[2] / ".local" / "artefacts"
GROUP = "6a0b9000-0000-4000-8000-000000000001"


def a_person(name: str) -> dict[str, Any]:
    """Somebody, as a member."""
    return {"id": f"t:{name}", "name": f"{name.title()} (sample)", "joined_at": "2026-01-05T09:00:00.000Z"}


SAM, HANA, TOM = a_person("sam"), a_person("hana"), a_person("tom")


def a_group(**fields: Any) -> dict[str, Any]:
    """A group of Sam's with Hana in it, as REST shows it."""
    rules = {"role": "Sales", "reply_policy": "mention", "history": "all", "audience": "members", "status": "active"}
    state: dict[str, Any] = {
        "owner": SAM["id"],
        "members": [SAM, HANA],
        "last_seq": 0,
        "unread": 3,
        "active_turn": None,
        "waiting": [],
    }
    return {"group_id": GROUP, "title": "Renewals", **rules, **state, "active_turn": None, "waiting": [], **fields}


def joined(**fields: Any) -> dict[str, Any]:
    """The answer to `join_group`."""
    told = {key: value for key, value in a_group().items() if key not in ("unread", "history", "reply_policy")}
    ids: dict[str, Any] = {
        "type": "group.joined",
        "conversation_id": GROUP,
        "policy": "mention",
        "read_seq": 0,
        "approvals": [],
    }
    return {**told, **ids, **fields}


def opened(page: Page, service: ScriptedService) -> None:
    """Open the group, and join it."""
    page.get_by_test_id("group").click()
    assert service.wait_for(page, "join_group")["group_id"] == GROUP
    service.say_raw(joined())


@pytest.fixture
def service() -> ScriptedService:
    """Sam is in a group, and there is Tom."""
    service = ScriptedService(groups=[a_group()], people=[{**TOM, "email": "tom@example.com"}])
    service.messages[GROUP] = []
    return service


@pytest.mark.requirement("web:groups")
def test_a_group_is_listed_opened_and_asked_in(signed_in: Page, service: ScriptedService) -> None:
    """Unread messages are counted; others' words stand under their names; questions name the group."""
    expect(signed_in.get_by_test_id("group")).to_contain_text("3")
    opened(signed_in, service)
    expect(signed_in.get_by_test_id("members")).to_have_text("2 members")
    expect(signed_in.get_by_test_id("group")).not_to_contain_text("3")
    said: dict[str, Any] = {"message_id": "m-1", "seq": 1, "author": "user", "content": "Hello all", "status": "final"}
    address = {"type": "new_message", "conversation_id": GROUP, "group_id": GROUP}
    service.say_raw({**address, **said, "v": 1, "sender": {"id": HANA["id"], "name": HANA["name"]}})
    expect(signed_in.get_by_test_id("sender")).to_have_text("Hana (sample)")
    service.say_raw(
        {"type": "presence", "conversation_id": GROUP, "group_id": GROUP, "online": [SAM["id"], HANA["id"]]}
    )
    expect(signed_in.get_by_test_id("members")).to_have_text("2 members, 2 here")

    assert service.wait_for(signed_in, "message.read")["message_id"] == "m-1"
    typing = {**address, "type": "typing", "user": {"id": HANA["id"], "name": HANA["name"]}}
    service.say_raw({**typing, "typing": True})
    expect(signed_in.locator("#writers")).to_have_text("Hana (sample) is writing…")
    service.say_raw({**typing, "typing": False})
    expect(signed_in.locator("#writers")).to_be_hidden()

    signed_in.get_by_test_id("composer").fill("@coach how are we?")
    signed_in.get_by_test_id("send").click()
    query = service.wait_for(signed_in, "query")

    assert [told["typing"] for told in service.heard("typing")] == [True, False]
    assert query["group_id"] == GROUP
    assert "session_id" not in query
    assert signed_in.url.endswith(f"#group-{GROUP}")
    withheld = {"type": "response.withheld", "conversation_id": GROUP, "group_id": GROUP, "reason": "role"}
    service.say_raw({**withheld, "turn_id": "t-other"})
    note = signed_in.get_by_test_id("answer-note").last
    expect(note).to_have_text("This answer is for members who hold the group's role.")


@pytest.mark.requirement("group:changed")
def test_what_changes_of_a_group_is_seen_at_once_by_who_is_no_owner(signed_in: Page, service: ScriptedService) -> None:
    """Title in list and header, the composer's words, the rules in the open dialog; an older state changes nothing."""
    service.groups = [a_group(owner=HANA["id"], revision=2)]
    opened(signed_in, service)
    service.say_raw(joined(owner=HANA["id"], history="all", revision=2))
    reads = service.requests.count("GET /api/groups")
    signed_in.get_by_test_id("members").click()
    expect(signed_in.get_by_test_id("group-rules")).to_contain_text("The coach answers when it is mentioned (@coach).")
    address = {"type": "group.changed", "conversation_id": GROUP, "group_id": GROUP, "owner": HANA["id"]}
    rules = {"role": None, "policy": "always", "history": "since_join", "audience": "members"}
    shown = {"title": "Renewals of Q4", "role": None, "reply_policy": "always", "history": "since_join"}
    service.groups = [a_group(owner=HANA["id"], revision=4, **shown)]
    service.say_raw({**address, **rules, "title": "Renewals of Q4", "revision": 4})
    service.say_raw({**address, **rules, "title": "Renewals of Q3", "policy": "quiet", "revision": 3})

    expect(signed_in.get_by_role("dialog", name="Renewals of Q4")).to_be_visible()
    expect(signed_in.get_by_test_id("group-rules").locator("li")).to_have_text(
        [
            "Works without a role: only tools for everyone.",
            "The coach answers every message.",
            "New members read what is said after they came.",
            "Answers are for all members.",
        ]
    )
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    signed_in.screenshot(path=ARTEFACTS / "group-changed.png")
    signed_in.get_by_test_id("group-close").click()
    expect(signed_in.get_by_test_id("title")).to_have_text("Renewals of Q4")
    expect(signed_in.get_by_test_id("group")).to_contain_text("Renewals of Q4")
    composer = signed_in.get_by_test_id("composer")
    expect(composer).to_have_attribute("placeholder", "Write to the group; the coach answers every message…")
    expect(signed_in.get_by_test_id("said")).to_have_text("The title or the rules of this group were changed.")
    assert service.requests.count("GET /api/groups") == reads
    service.say_raw({"type": "group.removed", "conversation_id": GROUP, "group_id": GROUP, "reason": "removed"})
    service.say_raw({**address, **rules, "title": "Not any more", "revision": 9})
    expect(signed_in.get_by_test_id("title")).to_have_text("New chat")


def test_the_form_of_its_owner_is_not_taken_from_under_their_hands(signed_in: Page, service: ScriptedService) -> None:
    """A change from elsewhere does not empty what they write; saving and handing over are asked and sent."""
    opened(signed_in, service)
    service.say_raw(joined())
    signed_in.get_by_test_id("members").click()
    signed_in.locator("summary").click()
    signed_in.get_by_test_id("group-title").fill("My next title")
    address = {"type": "group.changed", "conversation_id": GROUP, "group_id": GROUP, "owner": SAM["id"]}
    rules = {"role": "Sales", "policy": "always", "history": "all", "audience": "members"}
    service.say_raw({**address, **rules, "title": "From my phone", "revision": 3})
    expect(signed_in.get_by_test_id("group")).to_contain_text("From my phone")
    expect(signed_in.get_by_test_id("group-title")).to_have_value("My next title")
    signed_in.get_by_test_id("member-hand-over").click()
    question = signed_in.get_by_role("alertdialog", name="Hand this group over?")
    expect(question).to_contain_text("Hana (sample)")
    signed_in.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(signed_in.get_by_test_id("group-dialog")).to_be_visible()
    assert service.sent == []
    signed_in.get_by_test_id("member-hand-over").click()
    signed_in.get_by_test_id("confirm-go").click()
    expect(question).to_be_hidden()

    service.groups = [a_group(status="archived")]
    signed_in.get_by_test_id("group-archive").click()
    service.say_raw({"type": "group.removed", "conversation_id": GROUP, "group_id": GROUP, "reason": "archived"})
    expect(signed_in.get_by_test_id("group-archive")).to_have_text("Take back")
    expect(signed_in.get_by_test_id("group-archive")).to_be_focused()
    expect(signed_in.get_by_test_id("group")).to_contain_text("Archived")
    expect(signed_in.get_by_test_id("group-dialog")).to_be_visible()

    assert service.sent == [("PATCH", "", {"owner": HANA["id"]}), ("PATCH", "", {"status": "archived"})]


def test_after_a_lost_connection_the_group_is_joined_again(signed_in: Page, service: ScriptedService) -> None:
    """A new connection hears nothing of it before; a question that was not sent goes out then."""
    opened(signed_in, service)
    service.lose_connection()
    signed_in.get_by_test_id("composer").fill("Are you there?")
    signed_in.get_by_test_id("send").click()
    service.wait_for(signed_in, "join_group", 2)
    service.say_raw(joined())

    assert service.wait_for(signed_in, "query")["group_id"] == GROUP


def test_who_is_removed_sees_the_group_no_more(signed_in: Page, service: ScriptedService) -> None:
    """The page goes on with a new chat."""
    opened(signed_in, service)
    service.groups.clear()
    service.say_raw({"type": "group.removed", "conversation_id": GROUP, "group_id": GROUP, "reason": "removed"})

    expect(signed_in.get_by_test_id("group")).to_have_count(0)
    expect(signed_in.get_by_test_id("members")).to_be_hidden()
    assert GROUP not in signed_in.url


@pytest.mark.requirement("web:groups")
def test_a_group_is_founded_and_people_are_found_added_and_removed(signed_in: Page, service: ScriptedService) -> None:
    """With what the person chose; the role is one of their own."""
    signed_in.get_by_test_id("new-group").click()
    expect(signed_in.get_by_test_id("group-role").locator("option")).to_have_text(
        ["No role: tools for everyone", "Sales"]
    )
    signed_in.get_by_test_id("group-title").fill("Renewals")
    signed_in.get_by_test_id("group-role").select_option("Sales")
    signed_in.get_by_test_id("group-audience").select_option("role")
    signed_in.get_by_test_id("group-create").click()
    expect(signed_in.get_by_test_id("member")).to_have_text(
        ["Sam (sample) (you) · owner", "Hana (sample)RemoveHand over"]
    )
    signed_in.get_by_test_id("people-search").fill("to")
    signed_in.get_by_test_id("people-add").click()
    signed_in.get_by_test_id("member-remove").click()
    expect(signed_in.get_by_test_id("member")).to_have_count(2)

    wish = {"title": "Renewals", "role": "Sales", "reply_policy": "mention", "history": "all", "audience": "role"}
    assert service.sent[0][2].pop("idempotency_key")
    assert service.sent == [("POST", "", wish), ("PUT", "t%3Atom", None), ("DELETE", "t%3Ahana", None)]
    signed_in.get_by_test_id("group-close").click()
    expect(signed_in.get_by_test_id("group-dialog")).to_be_hidden()
