"""A person in a real browser signs in, asks, watches the answer arrive, and finds it again."""

from __future__ import annotations

import urllib.request
import uuid
from collections.abc import Callable, Generator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.stack import Stack, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ARTEFACTS = Path(__file__).resolve().parents[2] / ".local" / "artefacts"
QUESTION = "How is my pipeline this quarter?"
PATIENCE_MS = 20_000
ANSWER_MS = 90_000
# Notes every length that the answer's text has on the page, as a person would see it grow.
WATCH = """() => {
  window.lengths = [];
  const note = () => {
    const length = document.querySelector('[data-testid=answer-text]')?.textContent.length ?? 0;
    if (length > 0 && length !== window.lengths.at(-1)) window.lengths.push(length);
  };
  new MutationObserver(note).observe(document.getElementById('transcript'), { childList: true, subtree: true });
}"""


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """Open a tab; a fault of the page's own code fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda fault: faults.append(str(fault)))
    tab.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    yield tab
    context.close()
    assert faults == []


def sign_in(page: Page, stack: Stack, user: str = "sam.sales") -> None:
    """Choose a sample person and wait for the connection."""
    page.goto(stack.url("web"))
    page.click(f'[data-user="{user}"]')
    expect(page.get_by_test_id("status")).to_have_attribute("data-state", "online")


def ask(page: Page, question: str = QUESTION) -> None:
    """Type a question and press Enter."""
    page.evaluate(WATCH)
    page.get_by_test_id("composer").fill(question)
    page.keyboard.press("Enter")


def expect_done(page: Page) -> None:
    """Wait until the only answer is told to be stored."""
    expect(page.get_by_test_id("answer")).to_have_count(1, timeout=ANSWER_MS)
    expect(page.get_by_test_id("answer")).to_have_attribute("data-ended", "true", timeout=ANSWER_MS)
    expect(page.get_by_test_id("answer")).to_have_attribute("data-status", "done")


def shown_text(page: Page) -> str | None:
    """Read the answer's text as the page took it from the wire, before it became markup."""
    return page.get_by_test_id("answer-text").get_attribute("data-shown")


def stored_answers(page: Page, stack: Stack) -> list[dict[str, Any]]:
    """Read the chat's answers over REST."""
    session_id = page.url.rpartition("#")[2]
    data = stack.get(f"/api/sessions/{session_id}/messages", token=stack.token("sam.sales"))["data"]
    return [item for item in data["items"] if item["author"] == "assistant"]


def keep_picture(page: Page, name: str) -> None:
    """Keep a screenshot among the test's artefacts."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def test_a_person_asks_and_sees_the_answer_grow_with_its_tools_and_finds_it_after_a_reload(
    page: Page, stack: Stack
) -> None:
    """Sign-in, streaming, tool activity, the stored text character by character, history."""
    sign_in(page, stack)
    keep_picture(page, "1-signed-in")
    ask(page)
    expect(page.get_by_test_id("tool").first).to_be_visible(timeout=ANSWER_MS)
    keep_picture(page, "2-answering")
    expect_done(page)
    keep_picture(page, "3-answered")

    lengths: list[int] = page.evaluate("window.lengths")
    # A length may also shrink, when the two stars of bold text find their end.
    assert sum(later > earlier for earlier, later in pairwise(lengths)) >= 3, lengths
    expect(page.get_by_test_id("tool").first).to_have_attribute("data-state", "done")
    expect(page.get_by_test_id("question")).to_have_text([QUESTION])
    text = shown_text(page)
    assert [answer["content"] for answer in stored_answers(page, stack)] == [text]

    page.reload()
    expect(page.get_by_test_id("question")).to_have_text([QUESTION])
    expect_done(page)
    expect(page.get_by_test_id("tool").first).to_have_attribute("data-state", "done")
    expect(page.locator('[data-testid="chat"][aria-current="page"]')).to_have_count(1)
    assert shown_text(page) == text
    keep_picture(page, "4-reloaded")


def test_a_host_that_dies_in_mid_answer_costs_the_page_nothing(page: Page, new_stack: Callable[..., Stack]) -> None:
    """The turn finishes by itself; the page shows one answer, equal to the stored one."""
    stack = new_stack("--tokens-per-second", "15")
    sign_in(page, stack)
    ask(page)
    expect(page.get_by_test_id("answer-text")).to_contain_text(" ", timeout=ANSWER_MS)
    stack.kill("host")
    expect_done(page)

    expect(page.get_by_test_id("question")).to_have_text([QUESTION])
    answers = stored_answers(page, stack)
    assert [answer["content"] for answer in answers] == [shown_text(page)]
    assert answers[0]["attempt"] >= 2, "the host was meant to die while it was answering"
    keep_picture(page, "5-after-the-host-died")


def ask_by_rest(stack: Stack, user: str, content: str) -> None:
    """Ask in a chat of its own without a socket, and wait until the answer is stored."""
    token, path = stack.token(user), f"{stack.url('app')}/api/sessions/{uuid.uuid4()}/messages"
    stack.post(path, {"content": content, "role": "Sales"}, token=token)
    wait_for(lambda: len(stack.get(urlsplit(path).path, token=token)["data"]["items"]) == 2, "an answer")


def learn(stack: Stack) -> None:
    """Have the host run the timer now, as an operator does, and wait until it has looked at every turn."""
    before = stack.log("host").count("questions.looked_at")
    url = f"{stack.url('app')}/admin/functions/learn_questions"
    wish = urllib.request.Request(url, b'{"input": ""}', {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(wish, timeout=10) as answer:  # noqa: S310
        assert answer.status == 202
    wait_for(lambda: stack.log("host").count("questions.looked_at") > before, "the timer's end")


def offered(stack: Stack, user: str) -> list[dict[str, Any]]:
    """Read the suggestions of a person."""
    return stack.get("/api/questions", token=stack.token(user))["data"]["items"]


COMMON = "How do I handle a price objection?"
ASKED = {
    "sam.sales": (COMMON, "How do I prepare a contract review?", "How do I handle a price objection of Heidi Canary?"),
    "sue.sales": (
        "how do I handle price objections",
        "How do I prepare a contract review?",
        "How do I handle a price objection of Heidi Canary?",
    ),
    "tom.both": (COMMON, "How do I handle a price objection of Heidi Canary?"),
}


@pytest.mark.requirement("questions:learned")
@pytest.mark.requirement("questions:private")
def test_what_three_people_ask_is_offered_in_an_empty_chat_of_their_role(
    page: Page, new_stack: Callable[..., Stack]
) -> None:
    """Nearly the same words count; what two ask or what names somebody does not; nobody is counted twice."""
    stack = new_stack("--tokens-per-second", "0")
    for user, questions in ASKED.items():
        for question in questions:
            ask_by_rest(stack, user, question)
    learn(stack)
    learn(stack)

    assert [(one["text"], one["role"], one["askers"]) for one in offered(stack, "sam.sales")] == [(COMMON, "Sales", 3)]
    assert offered(stack, "hana.hr") == offered(stack, "nora.none") == []
    assert [one["text"] for one in offered(stack, "ada.admin")] == [COMMON]
    (category,) = stack.get("/api/questions/categories", token=stack.token("sue.sales"))["data"]["items"]
    assert (category["category"], category["questions"]) == ("general", 1)

    sign_in(page, stack)
    expect(page.get_by_test_id("suggestion").first).to_have_text(COMMON)
    assert "Canary" not in "".join(page.get_by_test_id("suggestion").all_inner_texts())
    keep_picture(page, "6-common-questions")
    page.get_by_test_id("suggestion").first.click()
    expect_done(page)


@pytest.mark.requirement("respond:illustrated")
def test_a_comparison_shows_its_table_to_copy_and_its_chart_with_words(page: Page, stack: Stack) -> None:
    """Asked for a comparison: table, chart, and the chart as text, also after a reload."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, stack)

    page.get_by_test_id("composer").fill("Compare the open pipeline by stage as a chart")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("answer")).to_have_attribute("data-ended", "true", timeout=ANSWER_MS)
    page.get_by_test_id("copy-table").first.click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    page.get_by_test_id("chart-words").locator("summary").click()
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / "comparison.png", full_page=True)
    words = page.get_by_test_id("chart-canvas").get_attribute("aria-label") or ""
    page.reload()

    assert copied.splitlines()[0].startswith("Stage\tAmount (EUR)")
    assert "Negotiation" in words
    expect(page.get_by_test_id("chart-canvas")).to_have_attribute("aria-label", words)


@pytest.mark.requirement("respond:title")
@pytest.mark.requirement("query:feedback")
def test_a_person_renames_the_chat_and_rates_the_answer_with_a_word(page: Page, stack: Stack) -> None:
    """The name stays over the next answer and a reload; the thumb and its word are stored with the answer."""
    sign_in(page, stack)
    ask(page)
    expect_done(page)
    session_id = page.url.rpartition("#")[2]
    path, token = f"/api/sessions/{session_id}", stack.token("sam.sales")
    wait_for(lambda: stack.get(path, token=token)["data"]["title"] != QUESTION, "the chat's first name")
    page.get_by_test_id("rename").click()
    page.get_by_test_id("new-title").fill("Before the board meets")
    keep_picture(page, "7-renaming")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("title")).to_have_text("Before the board meets")
    expect(page.locator('[data-testid="chat"][aria-current="page"]')).to_have_text("Before the board meets")
    page.get_by_test_id("thumb-down").click()
    expect(page.get_by_test_id("rating-note")).to_have_text("Thank you, saved.")
    page.get_by_test_id("rating-comment").fill("No region in it.")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("rating-comment")).to_be_hidden()
    keep_picture(page, "8-rated")
    taken = wait_for(lambda: rated(stack, session_id), "the word")
    page.reload()
    expect(page.get_by_test_id("title")).to_have_text("Before the board meets")

    assert [(one["rating"], one["comment"]) for one in taken] == [("down", "No region in it.")]
    assert stack.get(path, token=token)["data"]["title"] == "Before the board meets"


def rated(stack: Stack, session_id: str) -> list[dict[str, Any]]:
    """Read the feedback of a chat that has a comment by now."""
    everything = stack.get("/api/me/export", token=stack.token("sam.sales"))["data"]["sessions"]
    mine = next(one for one in everything if one["session_id"] == session_id)
    return [one for one in mine["feedback"] if one.get("comment")]
