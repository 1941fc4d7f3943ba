"""Neutralise images, links and tags as they stream: the rules, one per character that may begin or end one."""

from collections import Counter

from shared.domain.guard_output import Output
from shared.domain.links import TRAILING, KnownLinks, Verdict, host_of, is_plain_word
from shared.domain.markdown_syntax import (
    AUTOLINK,
    BARE,
    BARE_SAFE,
    BEGINS_TAG,
    DATA_IMAGE,
    DEFINITION,
    IMAGE,
    LINK,
    STARTS,
    TAIL,
    is_whole,
)


class LinkRules:
    """Each rule tells how much of the window is done with; 0 asks for more text, less puts `words` in its place."""

    def __init__(self, out: Output, known: KnownLinks) -> None:
        self._out = out
        self.known = known
        self.words = ""
        self.neutralised: Counter[str] = Counter()

    def image(self, window: str, last: bool) -> int:
        """Take an exclamation mark, and the image that it may begin."""
        if not window.startswith("!["):
            if len(window) == 1 and not last:
                return 0
            self._out.emit("!")
            return 1
        data = DATA_IMAGE.match(window)
        if data is not None:
            self._out.emit(window[: data.end()])
            return data.end()
        found = IMAGE.match(window)
        if found is not None and not is_whole(found) and found["ref"] is None and not last:
            return 0
        if found is None or (not is_whole(found) and found["ref"] is None):
            # No image without its bracket; what is inside is looked at as a link.
            self._out.emit("!\\[", escaped=True)
            return 2
        self.neutralised["image"] += 1
        return self._replaced(found["text"], found.end())

    def link(self, window: str, last: bool) -> int:
        """Take an opening bracket: a link that may not stay becomes words."""
        found = LINK.match(window)
        if found is not None and not is_whole(found) and not last:
            return 0
        if found is not None and is_whole(found):
            address = found["angle"] if found["angle"] is not None else found["bare"] or ""
            verdict = self.known.judge(address)
            if verdict is not Verdict.KEEP:
                self.neutralised["link"] += 1
                return self._replaced(_with_host(found["text"], address, verdict), found.end())
        self._out.emit(" [" if self._out.tail.endswith("!") else "[")
        return 1

    def close(self, window: str, last: bool) -> int:
        """Take a closing bracket: what follows it may make a link of what came before."""
        if len(window) == 1 and not last:
            return 0
        if window[1:2] == "(":
            return self._close_link(window, last)
        if window[1:2] == ":":
            return self._close_label(window, last)
        self._out.emit("]")
        return 1

    def _close_link(self, window: str, last: bool) -> int:
        found = TAIL.match(window)
        if found is not None and found["end"] is None and not last:
            return 0
        if found is not None and found["end"] is not None:
            address = found["angle"] if found["angle"] is not None else found["bare"] or ""
            if self.known.judge(address) is Verdict.KEEP:
                self._out.emit(window[: found.end()])
                return found.end()
        self.neutralised["link"] += 1
        self._out.emit("] (")
        return 2

    def _close_label(self, window: str, last: bool) -> int:
        found = DEFINITION.match(window)
        if found is None or (found.end() == len(window) and not last):
            return 0
        address = found["address"].removeprefix("<").removesuffix(">")
        whole = found.end() < len(window)
        if is_plain_word(address) or (whole and self.known.judge(address) is Verdict.KEEP):
            self._out.emit("]:")
            return 2
        self.neutralised["link"] += 1
        self._out.emit("]\\:")
        return 2

    def paren(self, window: str, last: bool) -> int:  # noqa: ARG002
        """Take a parenthesis; after a bracket it must not begin an address that nobody judged."""
        self._out.emit(" (" if self._out.tail.endswith("]") else "(")
        return 1

    def colon(self, window: str, last: bool) -> int:
        """Take a colon; what was removed must not leave a scheme behind."""
        if not self._out.tail.lower().endswith(("http", "https")):
            self._out.emit(":")
            return 1
        if len(window) < len("://") and "://".startswith(window) and not last:
            return 0
        self._out.emit(": " if window.startswith("://") else ":")
        return 1

    def angle(self, window: str, last: bool) -> int:
        """Take `<`: an address in it is judged, a tag is escaped."""
        found = AUTOLINK.match(window)
        if found is not None and found["end"] is None and found["mail"] is None and not last:
            return 0
        if found is not None and found["mail"] is not None:
            self._out.emit(window[: found.end()])
            return found.end()
        if found is not None and found["end"] is not None and ":" in (found["address"] or ""):
            return self._autolink(window, found["address"], found.end())
        if BEGINS_TAG.match(window[1:2] or " "):
            self.neutralised["tag"] += 1
            self._out.emit("&lt;")
        else:
            self._out.emit("<")
        return 1

    def _autolink(self, window: str, address: str, end: int) -> int:
        verdict = self.known.judge(address)
        if verdict is Verdict.KEEP:
            self._out.emit(window[:end])
            return end
        self.neutralised["link"] += 1
        host = host_of(address)
        self._out.emit(host or "&lt;")
        return end if host else 1

    def bare(self, window: str, last: bool) -> int:
        """Take the letter that may begin a bare address."""
        lower = window.lower()
        if not lower.startswith(STARTS):
            if any(start.startswith(lower) for start in STARTS) and not last:
                return 0
            self._out.emit(window[0])
            return 1
        found = BARE.match(window)
        whole = found is not None and found.end() < len(window)
        if found is None or (not whole and not last):
            return 0
        verdict = self.known.judge_bare(found[0]) if whole else Verdict.HOST
        scheme = lower.index("/") + 2 if lower.startswith("http") else len("www.")
        if verdict is Verdict.KEEP:
            self._out.emit(window[:scheme])
            return scheme
        self.neutralised["link"] += 1
        if verdict is Verdict.TEXT:
            return scheme
        safe = BARE_SAFE.match(found[0])
        words = safe[0].rstrip(TRAILING) if safe else ""
        self._out.emit(host_of(found[0]) or words[: words.find("/") % (len(words) + 1)])
        return max(len(words), scheme)

    def _replaced(self, words: str, length: int) -> int:
        """Put words in the place of what was read, to be looked at in their turn."""
        self.words = words
        return -length


def _with_host(text: str, address: str, verdict: Verdict) -> str:
    host = host_of(address)
    if verdict is not Verdict.HOST or not host or host in text:
        return text
    return f"{text} ({host})" if text.strip() else host
