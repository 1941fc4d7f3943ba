"""Nothing that a model, a tool or another person wrote runs in the page or calls anybody."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .scripted_service import ScriptedService

pytestmark = pytest.mark.browser

CHAT = "5e551000-0000-4000-8000-000000000009"
RUN = "window.ran=1"
EVIL = "https://evil.example/x"
TAGS = [
    "<script>{run}</script>",
    "<script src='{evil}.js'></script>",
    "<img src=x onerror='{run}'>",
    "<img src='{evil}.png'>",
    "<svg onload='{run}'></svg>",
    "<svg><script>{run}</script></svg>",
    "<svg><a xlink:href='javascript:{run}'><text>x</text></a></svg>",
    "<svg><animate onbegin='{run}' attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror='{run}'>",
    "<iframe src='javascript:{run}'></iframe>",
    "<iframe srcdoc='<script>parent.{run}</script>'></iframe>",
    "<object data='{evil}.swf'></object>",
    "<embed src='{evil}.swf'>",
    "<link rel=stylesheet href='{evil}.css'>",
    "<link rel=prefetch href='{evil}'>",
    "<meta http-equiv=refresh content='0;url={evil}'>",
    "<base href='{evil}'>",
    "<style>@import '{evil}.css';</style>",
    "<div style='background:url({evil})'>x</div>",
    "<form action='{evil}'><button autofocus onfocus='{run}'>x</button></form>",
    "<input autofocus onfocus='{run}'>",
    "<details open ontoggle='{run}'>x</details>",
    "<video src='{evil}.mp4' onerror='{run}'></video>",
    "<audio src='{evil}.mp3' onerror='{run}'></audio>",
    "<video><source onerror='{run}'></video>",
    "<body onload='{run}'>",
    "<marquee onstart='{run}'>x</marquee>",
    "<template><img src=x onerror='{run}'></template>",
    "<noscript><p title='</noscript><img src=x onerror={run}>'>",
    "<a href='javascript:{run}'>x</a>",
    "<b id=app name=app onclick='{run}'>x</b>",
    "<img name=getElementById><form id=transcript>",
    "<!--<img src='--><img src=x onerror={run}//'>",
    "<![CDATA[<img src=x onerror='{run}'>]]>",
    "<xmp><p title='</xmp><img src=x onerror={run}>'>",
]
ADDRESSES = [
    "javascript:{run}",
    "JaVaScRiPt:{run}",
    "java\tscript:{run}",
    "javascript&colon;{run}",
    "&#106;avascript:{run}",
    "\\javascript:{run}",
    "vbscript:{run}",
    "data:text/html,<script>{run}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload='{run}'/>",
    "file:///etc/passwd",
    "http://evil.example/x",
    "//evil.example/x",
    "blob:{evil}",
    "ftp://evil.example/x",
    'https://evil.example/"onmouseover="{run}',
]
PLACES = ["[x]({it})", "![x]({it})", "<{it}>", "[x]: {it}\n\n[x]", "![x][y]\n\n[y]: {it}", "[![x]({it})]({it} 'title')"]
WRAPPERS = ["{it}", "| a |\n|---|\n| {it} |", "> {it}"]
# What an answer may never become, wherever the text stands.
FORBIDDEN_NODES = (
    "script, iframe, object, embed, link, meta, base, style, form, svg, math, video, audio, input, template,"
    " [style], [id]"
)


def payloads() -> list[str]:
    """List the hostile texts: tags in every wrapper, addresses in every place."""
    tags = [wrapper.replace("{it}", tag) for wrapper, tag in product(WRAPPERS, TAGS)]
    addresses = [place.replace("{it}", address) for place, address in product(PLACES, ADDRESSES)]
    return [text.replace("{run}", RUN).replace("{evil}", EVIL) for text in tags + addresses]


def answer(number: int, text: str) -> list[dict[str, Any]]:
    """Write a stored question and its answer, hostile in every field that people see."""
    ids = {"conversation_id": CHAT, "turn_id": f"t{number}"}
    tool = {"call_id": f"k{number}", "server": text, "name": text, "ok": True, "outcome": text, "summary": text}
    question = {**ids, "message_id": f"q{number}", "seq": 2 * number + 1, "author": "user", "content": text}
    told = {**ids, "message_id": f"a{number}", "seq": 2 * number + 2, "author": "assistant", "content": text}
    return [
        {**question, "status": "final"},
        {**told, "status": "final", "question_id": f"q{number}", "attempt": 1, "tool_feedback": [tool]},
    ]


def test_hostile_text_neither_runs_nor_calls_anybody(signed_in: Page, service: ScriptedService) -> None:
    """Two hundred payloads in answers, questions, tools, titles and notices: no code, no foreign request."""
    texts = payloads()
    service.sessions = [{"session_id": CHAT, "title": texts[2]}]
    service.messages = {CHAT: [message for number, text in enumerate(texts) for message in answer(number, text)]}
    service.load_chat(signed_in, CHAT)
    service.say_raw({"type": "notice", "code": "no_role", "text": texts[2]})
    expect(signed_in.get_by_test_id("answer")).to_have_count(len(texts))
    expect(signed_in.get_by_test_id("alert")).to_have_count(1)
    transcript = signed_in.locator("#transcript")
    for event in ("mouseover", "focusin", "toggle"):
        transcript.locator("*").evaluate_all("(all, kind) => all.forEach(n => n.dispatchEvent(new Event(kind)))", event)

    assert len(texts) >= 200
    assert signed_in.evaluate("window.ran") is None
    assert signed_in.evaluate("document.title").startswith("<img src=x")
    assert transcript.locator(FORBIDDEN_NODES).count() == 0
    links = transcript.locator("a").evaluate_all("all => all.map(a => [a.protocol, a.rel, a.target])")
    assert {tuple(link) for link in links} == {("https:", "noopener noreferrer", "_blank")}
    assert transcript.locator("img:not([src^='data:image/'])").count() == 0
    assert not [name for name in attributes(signed_in) if name.startswith("on")]
    assert service.strangers == []


def attributes(page: Page) -> set[str]:
    """Name every attribute of the transcript's elements."""
    names = "all => all.flatMap(node => node.getAttributeNames())"
    return set(page.locator("#transcript *").evaluate_all(names))


def test_a_pictures_data_is_shown_and_a_remote_one_is_its_words(signed_in: Page, service: ScriptedService) -> None:
    """A remote picture would tell its server who reads what."""
    dot = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    service.messages = {CHAT: answer(0, f"![a dot]({dot}) and ![the chart]({EVIL}.png)")}
    service.load_chat(signed_in, CHAT)

    expect(signed_in.get_by_test_id("answer-text")).to_have_text("and the chart")
    expect(signed_in.get_by_test_id("answer-text").locator("img")).to_have_attribute("alt", "a dot")


def test_a_link_shows_the_host_that_it_leads_to(signed_in: Page, service: ScriptedService) -> None:
    """Its words alone could name another one."""
    service.messages = {CHAT: answer(0, "See [your bank](https://evil.example/login) or <https://docs.example.com/a>.")}
    service.load_chat(signed_in, CHAT)

    expect(signed_in.get_by_test_id("answer-text")).to_have_text(
        "See your bank (evil.example) or https://docs.example.com/a."
    )
