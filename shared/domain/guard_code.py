"""Tell code from text as it streams: only where every reader of CommonMark agrees is it left as it is."""

from shared.domain.guard_output import Output
from shared.domain.markdown_syntax import CODE, FENCE, FENCE_LEAST, LEAD, RUN, begins_fence, closing


class CodeRules:
    """Rules for backticks and tildes; each tells how much of the window is done with, 0 asks for more text."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._fence = ""
        self._distrust = False
        """A fence that some readers see and others do not: from there on nothing counts as one."""

    @property
    def open(self) -> bool:
        """Whether the text is inside a fence."""
        return bool(self._fence)

    def code(self, window: str, last: bool) -> int:
        """Take a run of backticks: a fence, a code span, or neither."""
        run = RUN.match(window)
        if run is None or (run.end() == len(window) and not last):
            return 0
        length = run.end()
        if length >= FENCE_LEAST and LEAD.fullmatch(self._out.line):
            return self._open_fence(window, last, length)
        return self._span(window, last, length)

    def _span(self, window: str, last: bool, length: int) -> int:
        found = None
        if length not in self._out.open_runs:
            found = CODE.match(window)
            if found is not None and found["end"] is None and found.end() >= len(window) and not last:
                return 0
        if found is None or found["end"] is None:
            self._out.open_runs.add(length)
            self._out.emit(window[:length])
            return length
        self._out.emit(window[: found.end()])
        return found.end()

    def tilde(self, window: str, last: bool) -> int:
        """Take tildes, which begin a fence at the beginning of a line."""
        if LEAD.fullmatch(self._out.line) is None:
            self._out.emit("~")
            return 1
        run = len(window) - len(window.lstrip("~"))
        if run == len(window) and not last:
            return 0
        if run >= FENCE_LEAST:
            return self._open_fence(window, last, run)
        self._out.emit(window[:run])
        return run

    def _open_fence(self, window: str, last: bool, run: int) -> int:
        found = FENCE.match(window)
        if found is not None and found["end"] is None and not last:
            return 0
        if found is not None and found["end"] is not None and not self._distrust and not self._out.line:
            self._fence = window[:run]
            self._out.emit(window[: found.end()])
            return found.end()
        if found is None:
            # A backtick fence whose line holds more backticks is a code span for everyone.
            return self._span(window, last, run)
        self._distrust = True
        self._out.open_runs.add(run)
        self._out.emit(window[:run])
        return run

    def in_fence(self, text: str, at: int, window: str, last: bool) -> int:
        """Pass code on line by line; only a line's beginning can end it."""
        if self._out.line != "":
            end = text.find("\n", at) + 1 or len(text)
            self._out.emit(text[at:end])
            return end - at
        found = closing(self._fence).match(window)
        if found is not None and found["end"] is not None:
            self._fence = ""
            self._out.emit(window[: found.end()])
            return found.end()
        if (found is not None or begins_fence(self._fence, window)) and not last:
            return 0
        end = text.find("\n", at) + 1 or at + 1
        self._out.emit(text[at:end])
        if "\n" not in text[at:end]:
            self._out.line = "x"
        return end - at
