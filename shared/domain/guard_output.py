"""Keep what the guard gave out, as far as what follows depends on it."""

from shared.domain.markdown_syntax import HELD_MOST_BYTES, LEAD


class Output:
    """The guarded text so far."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.tail = ""
        """The end of what was given out; an escaped character counts as none."""
        self.line = ""
        """The line given out so far, as long as it is only indentation and marks of lists and quotes; else `x`."""
        self.open_runs: set[int] = set()
        """Lengths of backtick runs that found no partner in this paragraph."""

    def take(self) -> str:
        """Give what was not given yet."""
        text = "".join(self._parts)
        self._parts.clear()
        return text

    def emit(self, text: str, *, escaped: bool = False) -> None:
        """Add to the text."""
        if not text:
            return
        self._parts.append(text)
        joined = self.tail + text
        if "\n\n" in joined:
            self.open_runs.clear()
        self.tail = "" if escaped else joined[-8:]
        last = text.rpartition("\n")
        line = last[2] if last[1] else self.line + text
        self.line = line if LEAD.fullmatch(line) and len(line) < HELD_MOST_BYTES else "x"
