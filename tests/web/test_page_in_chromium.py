"""The page, in a real browser, shows what the wire says: pieces, attempts, losses, refusals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .scripted_service import ScriptedService, turn_of

pytestmark = pytest.mark.browser

ARTEFACTS = Path(__file__).resolve().parents[2] / ".local" / "artefacts"

CHAT = "5e551000-0000-4000-8000-000000000001"
OTHER_CHAT = "5e551000-0000-4000-8000-000000000002"
QUESTION = "90e57000-0000-4000-8000-000000000001"


def ask(page: Page, service: ScriptedService, text: str, number: int = 1) -> tuple[str, str]:
    """Ask in the composer; return the session and the turn."""
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("send").click()
    query = service.wait_for(page, "query", number)
    return query["session_id"], turn_of(query)


def delta(turn: str, offset: int, text: str, attempt: int = 1) -> dict[str, Any]:
    """Write the fields of a piece of an answer."""
    return {"turn_id": turn, "attempt": attempt, "offset": offset, "text": text}


def whole(turn: str, text: str, attempt: int = 1) -> dict[str, Any]:
    """Write the fields of a final answer."""
    told: dict[str, Any] = {
        "content": text,
        "chart_data": None,
        "tables": [],
        "tool_feedback": [],
        "finish_reason": "stop",
    }
    return {"turn_id": turn, "message_id": f"a-{turn}", "question_id": QUESTION, "attempt": attempt, **told}


def stored_question(seq: int = 1, text: str = "How is my pipeline?") -> dict[str, Any]:
    """Write a stored question."""
    ids = {"conversation_id": CHAT, "message_id": QUESTION, "turn_id": "t1"}
    return {"v": 1, **ids, "seq": seq, "author": "user", "content": text, "status": "final"}


def stored_answer(text: str, seq: int = 2, status: str = "final") -> dict[str, Any]:
    """Write a stored answer."""
    ids = {"conversation_id": CHAT, "message_id": "a-t1", "turn_id": "t1", "question_id": QUESTION}
    state: dict[str, Any] = {"attempt": 1, "status": status, "tool_feedback": []}
    return {"v": 1, **ids, "seq": seq, "author": "assistant", "content": text, **state}


def test_the_session_is_opened_with_the_persons_token_zone_and_language(
    signed_in: Page, service: ScriptedService
) -> None:
    """The first message of a connection is session.update, for the chat of the URL."""
    update = service.wait_for(signed_in, "session.update")

    assert update["accessToken"] == "token-1"
    assert signed_in.url.endswith(f"#{update['session_id']}")
    assert update["timezone"]
    assert update["locale"]


def test_an_answer_grows_piece_by_piece_and_ends_as_it_is_stored(signed_in: Page, service: ScriptedService) -> None:
    """The question stands there once; tools are shown with their outcome; the response has the last word."""
    chat, turn = ask(signed_in, service, "How is my pipeline?")
    answer = signed_in.get_by_test_id("answer")
    tool = {"turn_id": turn, "call_id": "k1", "server": "sfdc", "name": "get_pipeline"}
    service.say("tool.started", chat, **tool)
    expect(signed_in.get_by_test_id("tool")).to_have_attribute("data-state", "running")
    service.say("tool.finished", chat, **tool, ok=True, outcome="done", duration_ms=412, summary="12 deals")
    service.say("response.delta", chat, **delta(turn, 0, "Twelve **deals"))
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("Twelve **deals")
    service.say("response.delta", chat, **delta(turn, 14, "** are open."))
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("Twelve deals are open.")
    service.say("response", chat, **whole(turn, "Twelve **deals** are open!"))
    service.say("response.committed", chat, turn_id=turn, message_id="a")

    expect(answer).to_have_attribute("data-status", "done")
    expect(answer).to_have_attribute("aria-busy", "false")
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("Twelve deals are open!")
    expect(signed_in.get_by_test_id("tool")).to_contain_text("Done412 ms")
    expect(signed_in.get_by_test_id("question")).to_have_count(1)
    assert signed_in.locator("strong", has_text="deals").count() == 1


@pytest.mark.requirement("query:regenerate")
def test_the_last_answer_can_be_had_anew_and_stands_under_the_same_question(
    signed_in: Page, service: ScriptedService
) -> None:
    """The wish names the answer; both answers stay; only the newest one offers another."""
    chat, turn = ask(signed_in, service, "How is my pipeline?")
    question = {"question_id": service.heard("query")[0]["message_id"]}
    service.say("response", chat, **whole(turn, "Fine.") | question)
    service.say("response.committed", chat, turn_id=turn, message_id="a")
    signed_in.get_by_test_id("again").click()
    wish = service.wait_for(signed_in, "query", 2)
    other = turn_of(wish)
    expect(signed_in.get_by_test_id("again")).to_have_count(0)
    service.say("response", chat, **whole(other, "Better.") | question)
    service.say("response.committed", chat, turn_id=other, message_id="b")

    expect(signed_in.get_by_test_id("answer-text")).to_have_text(["Fine.", "Better."])
    expect(signed_in.get_by_test_id("question")).to_have_count(1)
    expect(signed_in.get_by_test_id("again")).to_have_count(1)
    assert wish["regenerate_of"]
    assert "content" not in wish


def test_enter_sends_and_shift_enter_makes_a_new_line(signed_in: Page, service: ScriptedService) -> None:
    """The composer works from the keyboard alone."""
    signed_in.get_by_test_id("composer").focus()
    signed_in.keyboard.type("One")
    signed_in.keyboard.press("Shift+Enter")
    signed_in.keyboard.type("Two")
    signed_in.keyboard.press("Enter")

    assert service.wait_for(signed_in, "query")["content"] == "One\nTwo"
    expect(signed_in.get_by_test_id("composer")).to_have_value("")


def test_a_first_question_can_be_picked_in_an_empty_chat(signed_in: Page, service: ScriptedService) -> None:
    """The welcome goes away with the first question."""
    signed_in.get_by_test_id("suggestion").first.click()

    assert service.wait_for(signed_in, "query")["content"] == "How is my pipeline this quarter?"
    expect(signed_in.get_by_test_id("suggestion")).to_have_count(3)
    expect(signed_in.get_by_test_id("suggestion").first).to_be_hidden()


def test_a_lost_piece_is_asked_for_and_the_text_is_whole_again(signed_in: Page, service: ScriptedService) -> None:
    """After a second the page sends turn.resume from where it stands, in code points."""
    chat, turn = ask(signed_in, service, "How?")
    service.say("response.delta", chat, **delta(turn, 0, "One 👍 "))
    service.say("response.delta", chat, **delta(turn, 10, "three"))
    resume = service.wait_for(signed_in, "turn.resume")
    snapshot: dict[str, Any] = {"question_id": QUESTION, "status": "running", "tools": [], "approvals": []}
    service.say("response.snapshot", chat, **delta(turn, 6, "two "), **snapshot)

    assert (resume["turn_id"], resume["attempt"], resume["offset"]) == (turn, 1, 6)
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("One 👍 two three")


def test_a_new_attempt_replaces_the_text_of_the_old_one(signed_in: Page, service: ScriptedService) -> None:
    """What the page shows is never of two attempts."""
    chat, turn = ask(signed_in, service, "How?")
    service.say("response.delta", chat, **delta(turn, 0, "The first try is long"))
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("The first try is long")
    service.say("response.delta", chat, **delta(turn, 0, "The second", attempt=2))
    service.say("response.delta", chat, **delta(turn, 21, " and late"))

    expect(signed_in.get_by_test_id("answer-text")).to_have_text("The second")


def test_a_reload_shows_the_stored_history_and_takes_up_the_running_answer(
    signed_in: Page, service: ScriptedService
) -> None:
    """The page knows nothing but its URL; store and snapshot give back the rest."""
    service.sessions = [{"session_id": CHAT, "title": "My pipeline"}]
    service.messages = {CHAT: [stored_question(), stored_answer("All is well."), stored_question(3, "And now?")]}
    service.messages[CHAT][2] |= {"message_id": OTHER_CHAT, "turn_id": "t2"}
    running = {"turn_id": "t2", "question_id": OTHER_CHAT, "attempt": 2, "status": "running"}
    service.session_fields = {"last_seq": 3, "resumed": True, "active_turn": running}
    service.load_chat(signed_in, CHAT)
    assert service.wait_for(signed_in, "turn.resume")["turn_id"] == "t2"
    told: dict[str, Any] = {"question_id": OTHER_CHAT, "status": "running", "tools": [], "approvals": []}
    service.say("response.snapshot", CHAT, **delta("t2", 0, "Still ", attempt=2), **told)
    service.say("response.delta", CHAT, **delta("t2", 6, "well.", attempt=2))

    expect(signed_in.get_by_test_id("answer-text")).to_have_text(["All is well.", "Still well."])
    expect(signed_in.get_by_test_id("question")).to_have_text(["How is my pipeline?", "And now?"])
    expect(signed_in.locator("#title")).to_have_text("My pipeline")


def test_a_question_asked_without_a_connection_goes_out_once_when_it_is_back(
    signed_in: Page, service: ScriptedService
) -> None:
    """The page says that it is offline; the question keeps its id."""
    service.accepting = False
    service.lose_connection()
    expect(signed_in.get_by_test_id("status")).to_have_attribute("data-state", "offline")
    signed_in.get_by_test_id("composer").fill("Anybody there?")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_test_id("question")).to_contain_text("Goes out when the connection is back.")
    service.accepting = True
    query = service.wait_for(signed_in, "query")

    expect(signed_in.get_by_test_id("question")).to_have_attribute("data-status", "stored")
    expect(signed_in.get_by_test_id("question")).to_have_count(1)
    assert [heard["message_id"] for heard in service.heard("query")] == [query["message_id"]]


def test_a_recovered_connection_asks_for_what_it_may_have_missed(signed_in: Page, service: ScriptedService) -> None:
    """The client recovers silently: the page opens no new session, and fills what may be missing."""
    chat, turn = ask(signed_in, service, "How?")
    service.say("response.delta", chat, **delta(turn, 0, "One "))
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("One")
    service.lose_connection(recoverable=True)
    resume = service.wait_for(signed_in, "turn.resume")
    service.say("response.delta", chat, **delta(turn, 4, "two"))

    assert (resume["attempt"], resume["offset"]) == (1, 4)
    assert len(service.heard("session.update")) == 1
    expect(signed_in.get_by_test_id("answer-text")).to_have_text("One two")
    expect(signed_in.get_by_test_id("status")).to_have_attribute("data-state", "online")


def test_a_token_that_ran_out_is_renewed_and_the_question_asked_again(
    signed_in: Page, service: ScriptedService
) -> None:
    """The person sees nothing of it but the answer."""
    service.refusals = [{"code": "token_expired"}]
    ask(signed_in, service, "How?")
    again = service.wait_for(signed_in, "query", 2)

    assert service.heard("session.update")[-1]["accessToken"] == "token-2"
    assert again["message_id"] == service.heard("query")[0]["message_id"]
    expect(signed_in.get_by_test_id("question")).to_have_attribute("data-status", "stored")


def test_a_refused_question_says_why_in_words_and_can_be_asked_again(signed_in: Page, service: ScriptedService) -> None:
    """The same question goes out with the same id."""
    service.refusals = [{"code": "rate_limited", "retry_after": 2}]
    ask(signed_in, service, "How?")
    expect(signed_in.get_by_test_id("question")).to_contain_text("Please try again in 2 s.")
    signed_in.get_by_text("Ask again").click()
    again = service.wait_for(signed_in, "query", 2)

    assert again == service.heard("query")[0]
    expect(signed_in.get_by_test_id("question")).to_have_attribute("data-status", "stored")


def test_an_answer_can_be_stopped_and_keeps_what_was_said(signed_in: Page, service: ScriptedService) -> None:
    """Stop is there while a turn is at work, and only then."""
    chat, turn = ask(signed_in, service, "How?")
    service.say("response.delta", chat, **delta(turn, 0, "Well, there is"))
    signed_in.get_by_test_id("stop").click()
    assert service.wait_for(signed_in, "query.cancel")["turn_id"] == turn
    service.say("response.cancelled", chat, turn_id=turn, message_id="a", content="Well,")

    expect(signed_in.get_by_test_id("answer-text")).to_have_text("Well,")
    expect(signed_in.get_by_test_id("answer-note")).to_have_text("Stopped.")
    expect(signed_in.get_by_test_id("stop")).to_be_hidden()


def test_a_failed_turn_is_told_in_words_with_a_reference(signed_in: Page, service: ScriptedService) -> None:
    """The server's own text is not shown; the correlation id is."""
    chat, turn = ask(signed_in, service, "How?")
    error = {"code": "model_unavailable", "message": "upstream 503", "retryable": True, "correlation_id": "c-77"}
    service.say("response.failed", chat, turn_id=turn, message_id="a", content="", error=error)

    expect(signed_in.get_by_test_id("answer-note")).to_contain_text("model cannot be reached")
    expect(signed_in.get_by_test_id("answer-note")).to_contain_text("Reference c-77")
    assert "upstream 503" not in signed_in.content()


def test_a_question_from_another_tab_appears_and_another_chats_answer_does_not(
    signed_in: Page, service: ScriptedService
) -> None:
    """Frames of all the person's chats arrive; each is filed where it belongs."""
    service.sessions = [{"session_id": CHAT, "title": "Here"}, {"session_id": OTHER_CHAT, "title": "There"}]
    service.messages = {CHAT: [], OTHER_CHAT: []}
    service.load_chat(signed_in, CHAT)
    service.say("new_message", CHAT, **stored_question(1, "From my phone"))
    service.say("response.delta", OTHER_CHAT, **delta("t9", 0, "Elsewhere"))
    service.say("response.delta", CHAT, **delta("t1", 0, "Here"))

    expect(signed_in.get_by_test_id("question")).to_have_text(["From my phone"])
    expect(signed_in.get_by_test_id("answer-text")).to_have_text(["Here"])
    signed_in.get_by_test_id("chat").nth(1).click()
    expect(signed_in.get_by_test_id("answer-text")).to_have_text(["Elsewhere"])


def test_signing_out_leaves_nothing_of_the_person_in_the_tab(signed_in: Page, service: ScriptedService) -> None:
    """The next person begins on an empty page."""
    ask(signed_in, service, "My secret?")
    signed_in.get_by_test_id("sign-out").click()
    expect(signed_in.get_by_test_id("person").first).to_be_visible()

    assert signed_in.evaluate("sessionStorage.length") == 0
    assert "#" not in signed_in.url
    assert "My secret?" not in signed_in.content()


def test_on_a_narrow_screen_the_chats_open_and_close_from_the_keyboard(
    signed_in: Page, service: ScriptedService
) -> None:
    """Focus goes into the list of chats and comes back."""
    service.wait_for(signed_in, "session.update")
    signed_in.set_viewport_size({"width": 390, "height": 800})
    menu = signed_in.locator("#menu")
    menu.press("Enter")
    expect(signed_in.get_by_test_id("new-chat")).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "true")
    signed_in.keyboard.press("Escape")

    expect(menu).to_be_focused()
    expect(signed_in.get_by_test_id("new-chat")).to_be_hidden()


@pytest.mark.requirement("questions:learned")
def test_an_empty_chat_offers_what_others_ask_and_one_click_asks_it(signed_in: Page, service: ScriptedService) -> None:
    """Before the page's own suggestions."""
    service.questions = [{"text": "Which deals are overdue?", "category": "sfdc", "askers": 5}]
    signed_in.reload()

    first = signed_in.get_by_test_id("suggestion").first
    expect(first).to_have_text("Which deals are overdue?")
    first.click()

    assert service.wait_for(signed_in, "query")["content"] == "Which deals are overdue?"


@pytest.mark.requirement("respond:illustrated")
@pytest.mark.parametrize("kind", ["bar", "line", "pie", "doughnut", "radar"])
def test_every_kind_of_chart_is_drawn_with_its_words(signed_in: Page, service: ScriptedService, kind: str) -> None:
    """Drawn by the page's own script alone, under the page's policy."""
    session, turn = ask(signed_in, service, "Compare")
    points = [{"label": name, "value": value} for name, value in (("North", 12), ("South", 7), ("West", 3))]
    series = [{"name": "Won", "values": [3, 2, None]}, {"name": "Lost", "values": [1, 2, 3]}]
    chart: dict[str, Any] = {"chartType": kind, "title": "Deals by region", "data": points}
    chart |= {"series": series} if kind in ("bar", "line", "radar") else {}
    service.say("response", session, **{**whole(turn, "Here it is."), "chart_data": chart})

    canvas = signed_in.get_by_test_id("chart-canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("Deals by region. North: .*12"))
    signed_in.wait_for_function(
        "() => { const c = document.querySelector('canvas'); "
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((byte) => byte > 0); }"
    )
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    signed_in.get_by_test_id("chart").screenshot(path=ARTEFACTS / f"chart_{kind}.png")
