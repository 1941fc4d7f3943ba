"""Neutralise images, links and tags in the model's text as it streams; the same text wherever the stream is cut.

One pass over Markdown (docs/protocol.md): what is not yet certain is held back, at most 2 KB.
"""

from collections import Counter
from collections.abc import Callable

from shared.domain.guard_code import CodeRules
from shared.domain.guard_links import LinkRules
from shared.domain.guard_output import Output
from shared.domain.links import KnownLinks
from shared.domain.markdown_syntax import PUNCTUATION, SPECIAL, window_at


class Guard:
    """Alters a model's text before it is sent; `before` is what was sent already, so that open fences are known."""

    def __init__(self, known: KnownLinks | None = None, before: str = "") -> None:
        self._held = ""
        self._before = ""
        """The last character that was done with: whether a word begins depends on it."""
        self._out = Output()
        self._code = CodeRules(self._out)
        self._links = LinkRules(self._out, known or KnownLinks())
        self._rules: dict[str, Callable[[str, bool], int]] = {
            "\\": self._escape,
            "`": self._code.code,
            "~": self._code.tilde,
            "!": self._links.image,
            "[": self._links.link,
            "]": self._links.close,
            "(": self._links.paren,
            ":": self._links.colon,
            "<": self._links.angle,
            **dict.fromkeys("hHwW", self._links.bare),
        }
        self.feed(before)
        self.flush()
        self.neutralised.clear()

    @property
    def neutralised(self) -> Counter[str]:
        """How many images, links and tags were neutralised."""
        return self._links.neutralised

    def know(self, known: KnownLinks) -> None:
        """Take the addresses that tools gave."""
        self._links.known = known

    def feed(self, piece: str) -> str:
        """Take a piece and give what is certain by now."""
        self._held += piece
        self._work(final=False)
        return self._out.take()

    def flush(self) -> str:
        """Give what was held back; the text has ended."""
        self._work(final=True)
        return self._out.take()

    def _work(self, *, final: bool) -> None:
        text, at = self._before + self._held, len(self._before)
        while at < len(text):
            end = self._plain_until(text, at)
            if end > at:
                self._out.emit(text[at:end])
                at = end
                continue
            window, last = window_at(text, at, final=final)
            done = (
                self._code.in_fence(text, at, window, last) if self._code.open else self._rules[text[at]](window, last)
            )
            if done == 0:
                break
            at += abs(done)
            if done < 0:
                # Words came in the place of a link: they are looked at in their turn.
                text, at = ")" + self._links.words + text[at:], 1
        self._before, self._held = text[max(at - 1, 0) : at], text[at:]

    def _plain_until(self, text: str, at: int) -> int:
        """Tell where the next character stands that a rule looks at."""
        if self._code.open:
            return at
        found = SPECIAL.search(text, at)
        return found.start() if found else len(text)

    def _escape(self, window: str, last: bool) -> int:
        if len(window) == 1 and not last:
            return 0
        if window[1:2] == "<":
            return 1  # the tag rule escapes it, for readers that know no backslashes as well
        if window[1:2] in PUNCTUATION:
            self._out.emit(window[:2], escaped=True)
            return 2
        self._out.emit("\\")
        return 1
