"""Two people in two browsers meet in a group: founded, joined, asked in, read by both, and left."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ARTEFACTS = Path(__file__).resolve().parents[2] / ".local" / "artefacts"
PATIENCE_MS = 20_000
ANSWER_MS = 90_000
Sign = Callable[[str], Page]


@pytest.fixture
def sign_in(browser: Browser, stack: Stack) -> Generator[Sign]:
    """Open a browser of one's own for a sample person; a fault of the page's own code fails the test."""
    faults: list[str] = []
    contexts: list[BrowserContext] = []
    expect.set_options(timeout=PATIENCE_MS)

    def sign(user: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda fault: faults.append(str(fault)))
        tab.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        tab.goto(stack.url("web"))
        tab.click(f'[data-user="{user}"]')
        expect(tab.get_by_test_id("status")).to_have_attribute("data-state", "online")
        expect(tab.locator("#person-role")).not_to_be_empty()
        return tab

    yield sign
    for context in contexts:
        context.close()
    assert faults == []


def keep_picture(page: Page, name: str) -> None:
    """Keep a screenshot among the test's artefacts."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def add(page: Page, query: str) -> None:
    """Find somebody in the open dialog, and add them."""
    page.get_by_test_id("people-search").fill(query)
    page.get_by_test_id("people-add").click()


@pytest.mark.requirement("web:groups")
@pytest.mark.requirement("group:changed")
def test_two_people_meet_in_a_group_and_read_the_same_answer(sign_in: Sign) -> None:
    """Sue hears of it at once, sees who says what, reads the answer that Sam reads, and is out when she is removed."""
    sue, sam = sign_in("sue.sales"), sign_in("sam.sales")
    sam.get_by_test_id("new-group").click()
    sam.get_by_test_id("group-title").fill("Pipeline talk")
    sam.get_by_test_id("group-role").select_option("Sales")
    sam.get_by_test_id("group-create").click()
    expect(sam.get_by_test_id("member")).to_have_count(1)
    add(sam, "sue")
    expect(sam.get_by_test_id("member")).to_have_count(2)
    keep_picture(sam, "8-members")
    sam.get_by_test_id("group-close").click()

    talk = sue.get_by_test_id("group").filter(has_text="Pipeline talk")
    talk.click()
    expect(sue.get_by_test_id("members")).to_have_text("2 members, 2 here")
    sue.get_by_test_id("composer").fill("Shall we ask?")
    sue.keyboard.press("Enter")
    expect(sam.get_by_test_id("sender").filter(has_text="Sue")).to_have_count(1)
    sam.get_by_test_id("composer").fill("@coach how is my pipeline this quarter?")
    sam.keyboard.press("Enter")
    for page in (sam, sue):
        expect(page.get_by_test_id("answer")).to_have_attribute("data-ended", "true", timeout=ANSWER_MS)
        expect(page.get_by_test_id("answer")).to_have_attribute("data-status", "done")
        expect(page.get_by_test_id("question")).to_have_count(2)
    texts = [page.get_by_test_id("answer-text").get_attribute("data-shown") for page in (sam, sue)]
    assert texts[0] == texts[1]
    keep_picture(sue, "9-group")
    sue.reload()
    expect(sue.get_by_test_id("answer")).to_have_attribute("data-status", "done")
    expect(sue.get_by_test_id("sender").filter(has_text="Sam")).to_have_count(1)

    sam.get_by_test_id("members").click()
    sam.locator("summary").filter(has_text="Title and rules").click()
    sam.get_by_test_id("group-title").fill("Pipeline talk of Q4")
    sam.get_by_test_id("group-reply_policy").select_option("always")
    sam.get_by_test_id("group-save").click()
    for page in (sam, sue):
        expect(page.get_by_test_id("title")).to_have_text("Pipeline talk of Q4")
        expect(page.get_by_test_id("group").first).to_have_text("Pipeline talk of Q4")
        expect(page.get_by_test_id("composer")).to_have_attribute(
            "placeholder", "Write to the group; the coach answers every message…"
        )

    sam.get_by_test_id("member-remove").click()
    expect(sam.get_by_test_id("member")).to_have_count(1)
    expect(talk).to_have_count(0)
    expect(sue.get_by_test_id("members")).to_be_hidden()
    expect(sue.get_by_test_id("answer")).to_have_count(0)
