"""Judge the addresses of a text: which may stay links, and which become words (docs/protocol.md)."""

import html
import re
from collections.abc import Iterable
from enum import Enum

_HTTP = re.compile(r"https?://(?:[^\s/?#@]*@)?(?P<host>[A-Za-z0-9.\-]+(?::\d+)?)", re.IGNORECASE)
_FOUND = re.compile(r"https://[^\s\"'<>\\`|\]]+", re.IGNORECASE)
TRAILING = "?!.,:;*_~'\")}"
_MAIL = re.compile(r"mailto:[^\s<>\"]*", re.IGNORECASE)
# A relative address of one plain word leads nowhere but to our own page, and is mostly no address at all.
_PLAIN = re.compile(r"[\w,;'\"()*+\-$€]*")


class Verdict(Enum):
    """What becomes of an address."""

    KEEP = "keep"
    HOST = "host"
    """The link becomes text with the address's host."""
    TEXT = "text"


class KnownLinks:
    """The addresses that the tools of a turn gave; linear in what they said, constant for each question."""

    def __init__(self, results: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        for result in results:
            for found in _FOUND.findall(result):
                for form in (found, html.unescape(found)):
                    self._known |= {form, form.rstrip(TRAILING)}

    def judge(self, address: str) -> Verdict:
        """Decide on one address: `https:` and `mailto:` stay, with a query only if a tool said it."""
        plain = html.unescape(address)
        if _MAIL.fullmatch(plain):
            return Verdict.KEEP
        found = _HTTP.match(plain)
        if found is None or not plain.lower().startswith("https://"):
            return Verdict.TEXT
        # Who reads `https://known.example@evil.example/` takes the wrong one for the host.
        if "?" not in plain and "@" not in found[0]:
            return Verdict.KEEP
        return Verdict.KEEP if {plain, plain.rstrip(TRAILING)} & self._known else Verdict.HOST

    def judge_bare(self, address: str) -> Verdict:
        """Decide on an address without any brackets around it, which some clients make a link of, too."""
        plain = address.rstrip(TRAILING)
        if plain.lower().startswith("www."):
            return Verdict.HOST if "?" in html.unescape(plain) else Verdict.KEEP
        verdict = self.judge(plain)
        if verdict is Verdict.TEXT and "?" in plain:
            return Verdict.HOST
        return verdict


def host_of(address: str) -> str:
    """Give the host that an address leads to; empty when it names none."""
    found = _HTTP.match(html.unescape(address))
    return found["host"] if found else ""


def is_plain_word(text: str) -> bool:
    """Tell whether what stands in the place of an address cannot lead away from our own page."""
    return _PLAIN.fullmatch(text) is not None
