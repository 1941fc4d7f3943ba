"""Chats are deleted and groups are left from their lists, in a real browser, by mouse and by keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .scripted_service import ScriptedService, turn_of
from .test_groups_in_chromium import GROUP, a_group, joined, opened

pytestmark = pytest.mark.browser

ARTEFACTS = Path(__file__).resolve().parents[2] / ".local" / "artefacts"
CHATS = [f"5e551000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3)]
TITLES = ["My pipeline", "Lost deals", "A long title of a chat that does not fit into the list beside it"]


def stored(chat: str, text: str) -> list[dict[str, Any]]:
    """One question of a chat, as REST gives it."""
    ids = {"conversation_id": chat, "message_id": chat.replace("5e55", "90e5"), "turn_id": f"t-{chat}"}
    return [{"v": 1, **ids, "seq": 1, "author": "user", "content": text, "status": "final"}]


@pytest.fixture
def service() -> ScriptedService:
    """Three chats, and one group of Sam's."""
    lines = [{"session_id": chat, "title": title} for chat, title in zip(CHATS, TITLES, strict=True)]
    service = ScriptedService(sessions=lines, groups=[a_group(owner="t:hana")])
    service.messages = {chat: stored(chat, title) for chat, title in zip(CHATS, TITLES, strict=True)}
    service.messages[GROUP] = []
    return service


def chats(page: Page) -> Locator:
    """The lines of the list of chats."""
    return page.get_by_test_id("chat")


def taking(page: Page, key: str) -> Locator:
    """The button that takes a line away."""
    return page.locator(f'[data-testid="take"][data-key="{key}"]')


def keep_picture(page: Page, name: str) -> None:
    """Keep a screenshot among the tests' artefacts."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


@pytest.mark.requirement("web:delete-chat")
def test_a_chat_is_deleted_after_a_question_and_the_open_one_becomes_a_new_one(
    signed_in: Page, service: ScriptedService
) -> None:
    """Its line goes, its messages too, and what is asked next goes to another session."""
    chats(signed_in).first.click()
    expect(signed_in.get_by_test_id("question")).to_have_text(["My pipeline"])
    chats(signed_in).first.hover()
    keep_picture(signed_in, "delete-1-hover")
    taking(signed_in, CHATS[0]).click()
    dialog = signed_in.get_by_role("alertdialog", name="Delete this chat?")
    expect(dialog).to_contain_text("“My pipeline” and all that was said in it will be deleted for good.")
    expect(signed_in.get_by_test_id("confirm-cancel")).to_be_focused()
    keep_picture(signed_in, "delete-2-question")
    signed_in.get_by_test_id("confirm-go").click()

    expect(dialog).to_have_count(0)
    expect(chats(signed_in)).to_have_text(TITLES[1:])
    expect(signed_in.get_by_test_id("question")).to_have_count(0)
    expect(signed_in.get_by_test_id("title")).to_have_text("New chat")
    expect(signed_in.get_by_test_id("composer")).to_be_focused()
    expect(signed_in.get_by_test_id("said")).to_have_text("The chat was deleted.")
    expect(signed_in.get_by_test_id("alert")).to_have_count(0)
    assert service.sent == [("DELETE", CHATS[0], None)]
    assert CHATS[0] not in signed_in.url
    signed_in.get_by_test_id("composer").fill("And now?")
    signed_in.keyboard.press("Enter")
    assert service.wait_for(signed_in, "query")["session_id"] not in CHATS


@pytest.mark.requirement("web:delete-chat")
def test_the_question_is_left_with_escape_and_all_of_it_works_from_the_keyboard(
    signed_in: Page, service: ScriptedService
) -> None:
    """The focus comes back to the button; after a deletion it is on the next line; the open chat stays open."""
    chats(signed_in).nth(2).click()
    expect(signed_in.get_by_test_id("question")).to_have_count(1)
    chats(signed_in).first.focus()
    signed_in.keyboard.press("Tab")
    button = taking(signed_in, CHATS[0])
    expect(button).to_be_focused()
    expect(button).to_have_accessible_name("Delete chat: My pipeline")
    expect(button).to_have_css("opacity", "1")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_test_id("confirm")).to_be_visible()
    signed_in.keyboard.press("Escape")
    expect(signed_in.get_by_test_id("confirm")).to_have_count(0)
    expect(button).to_be_focused()
    assert service.sent == []

    signed_in.keyboard.press("Enter")
    signed_in.keyboard.press("Tab")
    expect(signed_in.get_by_test_id("confirm-go")).to_be_focused()
    signed_in.keyboard.press("Enter")

    expect(chats(signed_in)).to_have_text(TITLES[1:])
    expect(taking(signed_in, CHATS[1])).to_be_focused()
    expect(signed_in.get_by_test_id("question")).to_have_text([TITLES[2]])
    assert signed_in.url.endswith(CHATS[2])


@pytest.mark.requirement("web:delete-chat")
def test_what_another_page_deleted_goes_here_too_and_late_frames_bring_nothing_back(
    signed_in: Page, service: ScriptedService
) -> None:
    """An open chat says that it was deleted; one that is not open only leaves the list."""
    chats(signed_in).first.click()
    signed_in.get_by_test_id("composer").fill("Still running?")
    signed_in.keyboard.press("Enter")
    turn = turn_of(service.wait_for(signed_in, "query"))
    service.say("response.delta", CHATS[0], turn_id=turn, attempt=1, offset=0, text="It is")
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("It is")
    reads = len(service.requests)
    for chat in CHATS[:2]:
        service.sessions = [one for one in service.sessions if one["session_id"] != chat]
        service.messages.pop(chat)
        service.say("session.deleted", chat)
    service.say("response.committed", CHATS[0], turn_id=turn, message_id="a")

    expect(chats(signed_in)).to_have_text(TITLES[2:])
    expect(signed_in.get_by_test_id("answer")).to_have_count(0)
    expect(signed_in.get_by_test_id("alert")).to_contain_text("The chat “My pipeline” was deleted.")
    keep_picture(signed_in, "delete-3-elsewhere")
    service.sessions[0] |= {"title": "Told last"}
    service.say("session.title", CHATS[2], title="Told last")
    expect(chats(signed_in)).to_have_text(["Told last"])
    assert not [request for request in service.requests[reads:] if request.endswith(f"{CHATS[0]}/messages")]
    expect(signed_in.get_by_test_id("alert")).to_have_count(1)


@pytest.mark.requirement("web:delete-chat")
def test_a_refused_deletion_says_why_and_can_be_tried_again(signed_in: Page, service: ScriptedService) -> None:
    """The question stays open with the reason; a service that is not reached is said to be so; gone is gone."""
    slow = "An answer of this conversation is still being stopped; please try again."
    service.no_deletion = [{"code": "rate_limited", "message": slow}, {}, {"code": "internal", "message": "Oops"}]
    taking(signed_in, CHATS[1]).click()
    go, fault = signed_in.get_by_test_id("confirm-go"), signed_in.get_by_test_id("confirm-fault")
    go.click()
    expect(fault).to_have_text(f"{slow} Reference c-3")
    keep_picture(signed_in, "delete-4-refused")
    go.click()
    expect(fault).to_have_text("The service cannot be reached. Please try again.")
    go.click()
    expect(fault).to_have_text("Something went wrong on our side. Reference c-3")
    expect(chats(signed_in)).to_have_count(3)
    service.no_deletion = [{"code": "not_found", "message": "There is no such session."}]
    service.sessions.pop(1)
    go.click()

    expect(signed_in.get_by_test_id("confirm")).to_have_count(0)
    expect(chats(signed_in)).to_have_text([TITLES[0], TITLES[2]])
    assert len(service.sent) == 4


@pytest.mark.requirement("web:delete-chat")
def test_a_deletion_that_takes_long_goes_on_when_its_question_was_left(
    signed_in: Page, service: ScriptedService
) -> None:
    """Once, however often the button is pressed; what is refused then opens the question again."""
    slow = {"code": "rate_limited", "message": "Still being stopped."}
    service.no_deletion, service.holding = [slow], True
    taking(signed_in, CHATS[0]).click()
    go, dialog = signed_in.get_by_test_id("confirm-go"), signed_in.get_by_test_id("confirm")
    go.click()
    expect(go).to_have_text("Deleting…")
    expect(go).to_be_focused()
    signed_in.keyboard.press("Enter")
    service.wait_until(signed_in, lambda: len(service.held) == 1)
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    service.held.pop()()
    expect(dialog).to_be_visible()
    expect(signed_in.get_by_test_id("confirm-fault")).to_contain_text("Still being stopped.")
    go.click()
    service.wait_until(signed_in, lambda: len(service.held) == 1)
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    service.held.pop()()

    expect(chats(signed_in)).to_have_text(TITLES[1:])
    expect(dialog).to_have_count(0)
    assert len(service.sent) == 2


def test_after_a_lost_connection_the_lists_are_read_again(signed_in: Page, service: ScriptedService) -> None:
    """What was deleted or renamed meanwhile was told to nobody here; the open chat among it begins anew."""
    chats(signed_in).first.click()
    expect(signed_in.get_by_test_id("question")).to_have_count(1)
    service.lose_connection()
    service.sessions.pop(0)
    service.messages.pop(CHATS[0])
    service.groups[0] |= {"title": "Renamed meanwhile", "revision": 9}

    expect(chats(signed_in)).to_have_text(TITLES[1:])
    expect(signed_in.get_by_test_id("group")).to_contain_text("Renamed meanwhile")
    expect(signed_in.get_by_test_id("question")).to_have_count(0)
    expect(signed_in.get_by_test_id("title")).to_have_text("New chat")


@pytest.mark.requirement("web:groups")
def test_a_member_leaves_a_group_from_the_list_and_an_owner_deletes_it(
    signed_in: Page, service: ScriptedService
) -> None:
    """Each after a question of its own; the page goes on with a new chat."""
    opened(signed_in, service)
    service.say_raw(joined(owner="t:hana"))
    leave = taking(signed_in, GROUP)
    expect(leave).to_have_accessible_name("Leave group: Renewals")
    leave.click()
    expect(signed_in.get_by_role("alertdialog", name="Leave this group?")).to_contain_text("“Renewals”")
    signed_in.get_by_test_id("confirm-cancel").click()
    expect(leave).to_be_focused()
    mine = a_group(revision=5)
    service.groups = [mine]
    change = {"title": "Renewals", "role": "Sales", "policy": "mention", "history": "all", "audience": "members"}
    address = {"type": "group.changed", "conversation_id": GROUP, "group_id": GROUP}
    service.say_raw({**address, **change, "owner": mine["owner"], "revision": 5})
    expect(taking(signed_in, GROUP)).to_have_accessible_name("Delete group: Renewals")
    taking(signed_in, GROUP).click()
    service.groups = []
    signed_in.get_by_test_id("confirm-go").click()

    expect(signed_in.get_by_test_id("group")).to_have_count(0)
    expect(signed_in.get_by_test_id("title")).to_have_text("New chat")
    expect(signed_in.get_by_test_id("composer")).to_be_focused()
    assert service.sent == [("DELETE", "", None)]


def test_on_a_narrow_page_that_is_touched_the_button_is_always_there(signed_in: Page, service: ScriptedService) -> None:
    """The list stays open until a chat is chosen."""
    touched = signed_in.context.new_cdp_session(signed_in)
    touched.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    signed_in.set_viewport_size({"width": 390, "height": 800})
    signed_in.get_by_role("button", name="Chats").click()
    expect(taking(signed_in, CHATS[0])).to_have_css("opacity", "1")
    taking(signed_in, CHATS[0]).click()
    keep_picture(signed_in, "delete-5-narrow")
    signed_in.get_by_test_id("confirm-go").click()

    expect(chats(signed_in)).to_have_text(TITLES[1:])
    expect(taking(signed_in, CHATS[1])).to_be_focused()
    assert service.sent == [("DELETE", CHATS[0], None)]
