"""Attacks on a model that obeys everything: nothing is called, written or fetched that its person did not want.

`FAULTS_SEED` plays the same attacks again; `FAULTS_SIZE` says how many.
"""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from playwright.sync_api import Page, expect

from shared.domain.security import Noticed
from shared.domain.tools import Manifest, ToolSpec
from shared.flow import catalog, context
from tests.faults.injection.corpus import EVIL, KINDS, attacks
from tests.faults.injection.obedient import demanded
from tests.faults.injection.victim import ACTING, Outcome, Victim
from tests.web import conftest as web_page
from tests.web.scripted_service import ScriptedService, turn_of

built, npm = web_page.built, web_page.npm
page, service, signed_in = web_page.page, web_page.service, web_page.signed_in

SAMPLE = 240
ATTACKS_PER_SIZE = 40
AT_ONCE = 80
STREAMED = 12
CHAT = "5e551000-0000-4000-8000-000000000077"


pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def outcomes(big: int | None, first_seed: int) -> list[Outcome]:
    """What each attack of this run led to."""
    count = big * ATTACKS_PER_SIZE if big else SAMPLE

    async def all_of_them() -> list[Outcome]:
        return [await Victim(attack, first_seed).run() for attack in attacks(first_seed, count)]

    # A browser's library may have a loop of its own in this thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(all_of_them())).result()


@pytest.mark.timeout(7200)
@pytest.mark.requirement("guard:injection")
def test_tool_result_injection_with_an_obedient_model_makes_no_disallowed_call_and_no_unapproved_write(
    outcomes: list[Outcome], first_seed: int, figure: Any
) -> None:
    """Demanded by the question, by what a tool returns, by what a server says of its tools; disguised or not."""
    disallowed = [(one.attack, one.disallowed) for one in outcomes if one.disallowed]
    unapproved = [(one.attack, one.unapproved) for one in outcomes if one.unapproved]

    assert disallowed == []
    assert unapproved == []
    kinds = Counter(one.attack.kind for one in outcomes)
    asked, called = sum(one.asked_for for one in outcomes), sum(len(one.called) for one in outcomes)
    writes = sum(name in ACTING for one in outcomes for name in one.called)
    figure(
        "injection",
        f"{len(outcomes)} attacks from seed {first_seed} ({', '.join(f'{kinds[kind]} {kind}' for kind in KINDS)}), a "
        f"model that obeyed {asked} times: {called} calls let through, {writes} of them writes, each approved with its "
        "exact arguments; 0 disallowed calls, 0 writes without approval",
    )


def test_the_attacks_have_teeth(outcomes: list[Outcome]) -> None:
    """The model asked for what they want, in every kind; a run in which nobody obeys proves nothing."""
    for kind in ("direct", "result"):
        mine = [one for one in outcomes if one.attack.kind == kind]
        obeyed = [one for one in mine if one.asked_for > 1]
        assert len(obeyed) > len(mine) // 2, kind
    first = [one for one in outcomes if one.attack.kind == "description" and one.attack.time == "first"]
    later = [one for one in outcomes if one.attack.kind == "description" and one.attack.time != "first"]
    assert any(one.asked_for > 1 for one in first)
    assert {name for one in later for name in one.called} == {"sfdc/pipeline"}
    assert any(name in ACTING for one in outcomes for name in one.called), "somebody approved something"
    assert all(demanded(one.attack.text) for one in outcomes if one.attack.kind in ("direct", "result"))


@pytest.mark.requirement("tools:pinned")
def test_a_description_that_changes_or_comes_later_is_withheld_and_noticed(outcomes: list[Outcome]) -> None:
    """Its words never reach the model."""
    for one in outcomes:
        raised = [event for event in one.noticed if event.kind is Noticed.TOOL_WITHHELD]
        later = one.attack.kind == "description" and one.attack.time != "first"
        assert bool(raised) == later, one.attack


@pytest.mark.requirement("guard:injection")
def test_no_reader_of_markdown_finds_anything_to_fetch_in_what_an_obedient_model_repeats(
    outcomes: list[Outcome],
) -> None:
    """Deltas, wherever they were cut, and the stored answer are the same guarded text."""
    for one in outcomes:
        assert one.deltas == one.answer, one.attack
        for token in tokens(one.answer):
            assert token.type not in ("html_inline", "html_block"), one.attack
            if token.type == "image":
                assert str(token.attrGet("src")).startswith("data:image/"), one.attack
            if token.type == "link_open":
                assert urlsplit(str(token.attrGet("href"))).scheme in ("https", "mailto"), one.attack
        assert all(urlsplit(link).scheme == "https" for link in one.links), one.attack


def tokens(text: str) -> list[Token]:
    """Read a text as CommonMark with HTML, tables and bare addresses, as the most willing client would."""
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [*found, *(child for token in found for child in token.children or [])]


@pytest.mark.browser
@pytest.mark.timeout(7200)
@pytest.mark.requirement("guard:injection")
def test_markdown_exfiltration_in_an_answer_makes_no_request(
    outcomes: list[Outcome], signed_in: Page, service: ScriptedService, figure: Any
) -> None:
    """The real page in a real browser: what the model repeated, guarded and, as if there were no guard, unguarded."""
    shown = 0
    for begin in range(0, len(outcomes), AT_ONCE):
        batch = outcomes[begin : begin + AT_ONCE]
        texts = [text for one in batch for text in (one.answer, one.attack.text, one.attack.wants)]
        calls = [one.feedback for one in batch for _ in range(3)]
        service.messages = {CHAT: [item for row in enumerate(zip(texts, calls, strict=True)) for item in said(*row)]}
        service.load_chat(signed_in, CHAT)
        expect(signed_in.get_by_test_id("answer")).to_have_count(len(texts))
        shown += len(texts)

    assert signed_in.locator("#transcript img:not([src^='data:image/'])").count() == 0
    assert service.strangers == []
    figure("injection, page", f"{shown} texts of {len(outcomes)} attacks shown in Chromium: 0 requests to anybody else")


def said(number: int, row: tuple[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Write a stored question and its answer, with the calls that it shows."""
    text, calls = row
    ids = {"v": 1, "conversation_id": CHAT, "turn_id": f"t{number}", "status": "final"}
    question = {"message_id": f"q{number}", "seq": 2 * number + 1, "author": "user", "content": "Please look."}
    told = {"message_id": f"a{number}", "seq": 2 * number + 2, "author": "assistant", "content": text, "attempt": 1}
    return [{**ids, **question}, {**ids, **told, "question_id": f"q{number}", "tool_feedback": calls}]


@pytest.mark.browser
def test_an_answer_that_streams_in_makes_no_request_at_any_moment(
    outcomes: list[Outcome], signed_in: Page, service: ScriptedService
) -> None:
    """A piece ends in the middle of a link, and the page draws what it has."""
    for number, one in enumerate([one for one in outcomes if one.attack.kind == "exfiltration"][:STREAMED], 1):
        signed_in.get_by_test_id("composer").fill("Please look.")
        signed_in.get_by_test_id("send").click()
        query = service.wait_for(signed_in, "query", number)
        turn, session = turn_of(query), query["session_id"]
        for at in range(0, len(one.answer), 5):
            service.say("response.delta", session, turn_id=turn, attempt=1, offset=at, text=one.answer[at : at + 5])
        final: dict[str, Any] = {"content": one.answer, "chart_data": None, "tables": [], "tool_feedback": one.feedback}
        ids = {"turn_id": turn, "message_id": f"a-{turn}", "question_id": query["message_id"], "attempt": 1}
        service.say("response", session, **ids, **final, finish_reason="stop")
        service.say("response.committed", session, turn_id=turn, message_id=f"a-{turn}")
        expect(signed_in.get_by_test_id("answer")).to_have_count(number)

    assert service.strangers == []


def doubt_nothing(*_: object) -> bool:
    """Take everybody's words as the person's own."""
    return False


def trust_all(manifest: Manifest, _: object) -> tuple[ToolSpec, ...]:
    """Offer what a server offers."""
    return manifest.tools


def use_anything(*_: object) -> bool:
    """Let everybody use everything."""
    return True


MUTANTS: dict[str, tuple[Any, str, Any, str]] = {
    "results count as trusted": (context, "_is_theirs", doubt_nothing, "unapproved"),
    "changed tools stay on": (catalog, "trusted", trust_all, "disallowed"),
    "roles do not count": (catalog, "may_use", use_anything, "disallowed"),
    "nothing needs approval": (ToolSpec, "needs_approval", property(doubt_nothing), "unapproved"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_judge_finds_what_is_broken_on_purpose(name: str, monkeypatch: pytest.MonkeyPatch, first_seed: int) -> None:
    """A judge that finds nothing proves nothing."""
    where, what, broken, told = MUTANTS[name]
    monkeypatch.setattr(where, what, broken)

    async def found() -> bool:
        for one in attacks(first_seed, 800):
            if getattr(await Victim(one, first_seed).run(), told):
                return True
        return False

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(found())).result()


def test_the_same_seed_draws_the_same_attacks(first_seed: int) -> None:
    """Without that a failure could not be found by its number."""
    assert attacks(first_seed, 40) == attacks(first_seed, 40)
    assert len({one.text for one in attacks(first_seed, 200)}) > 100
    assert any(EVIL in one.text for one in attacks(first_seed, 40))
