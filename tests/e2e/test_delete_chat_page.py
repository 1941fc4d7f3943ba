"""A person with two open pages deletes a chat on one of them: it is gone on both, and on the stack."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.stack import Stack
from tests.e2e.test_browser import ask, expect_done, keep_picture, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE_MS = 20_000
SUE = "sue.sales"


@pytest.fixture
def pages(browser: Browser) -> Generator[tuple[Page, Page]]:
    """Open two browsers; a fault of a page's own code fails the test."""
    faults: list[str] = []
    expect.set_options(timeout=PATIENCE_MS)
    contexts = [browser.new_context(viewport={"width": 1280, "height": 860}) for _ in range(2)]
    tabs: list[Page] = []
    for context in contexts:
        context.set_default_timeout(PATIENCE_MS)
        tabs.append(context.new_page())
        tabs[-1].on("pageerror", lambda fault: faults.append(str(fault)))
    yield tabs[0], tabs[1]
    for context in contexts:
        context.close()
    assert faults == []


def listed(stack: Stack) -> list[dict[str, Any]]:
    """The chats that the stack has of Sue."""
    return stack.get("/api/sessions?limit=100", token=stack.token(SUE))["data"]["items"]


@pytest.mark.requirement("web:delete-chat")
def test_a_chat_that_is_deleted_on_one_page_goes_from_the_other_in_the_middle_of_an_answer(
    pages: tuple[Page, Page], stack: Stack
) -> None:
    """The other page has it open; both go on with a new chat, and what is kept is kept."""
    desk, phone = pages
    sign_in(desk, stack, SUE)
    ask(desk, "Hello, what can you do?")
    expect_done(desk)
    kept = desk.url.rpartition("#")[2]
    desk.get_by_test_id("new-chat").click()
    ask(desk)
    expect(desk.get_by_test_id("answer")).to_have_count(1)
    chat = desk.url.rpartition("#")[2]
    sign_in(phone, stack, SUE)
    there = phone.locator(f'[data-testid="chat"][data-session="{chat}"]')
    there.click()
    expect(phone.get_by_test_id("question")).to_have_count(1)

    row = desk.locator(".line", has=desk.locator(f'[data-session="{chat}"]'))
    row.hover()
    row.get_by_test_id("take").click()
    keep_picture(desk, "10-delete-chat")
    desk.get_by_test_id("confirm-go").click()
    expect(desk.get_by_test_id("confirm")).to_be_hidden()

    for page in pages:
        expect(page.locator(f'[data-session="{chat}"]')).to_have_count(0)
        expect(page.locator(f'[data-session="{kept}"]')).to_have_count(1)
        expect(page.get_by_test_id("title")).to_have_text("New chat")
        expect(page.get_by_test_id("answer")).to_have_count(0)
        assert chat not in page.url
    expect(phone.get_by_test_id("alert")).to_contain_text("was deleted")
    keep_picture(phone, "11-deleted-elsewhere")
    assert [item["session_id"] for item in listed(stack) if item["session_id"] in (chat, kept)] == [kept]
    desk.reload()
    expect(desk.locator(f'[data-session="{kept}"]')).to_have_count(1)
    expect(desk.locator(f'[data-session="{chat}"]')).to_have_count(0)
