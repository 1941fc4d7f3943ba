"""Shape the model's text as it streams: normalised once, cut into frames, never split inside a character."""

from dataclasses import dataclass, field

FRAME_MOST_BYTES = 1024
FRAME_INTERVAL_S = 0.05
SENDS_MOST = 500
"""What one answer may cost the service: listeners times frames a second (architecture.md, decision 7)."""
CHECKPOINT_INTERVAL_S = 0.8
CHECKPOINT_BYTES = 4096

_KEPT_CONTROLS = "\n\t"
_HIGH_FIRST, _HIGH_LAST = "\ud800", "\udbff"


class Normaliser:
    r"""Alter the text before it is sent, so that the deltas joined are what is stored (docs/protocol.md, rule 7).

    CRLF becomes LF, control characters other than newline and tab go, surrogate pairs that the provider cut in
    two become one character, and lone surrogates become U+FFFD. What may still change is held back.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece and give what is certain by now."""
        text = self._held + piece
        self._held = ""
        if text and (text[-1] == "\r" or _HIGH_FIRST <= text[-1] <= _HIGH_LAST):
            self._held = text[-1]
            text = text[:-1]
        return _clean(text)

    def flush(self) -> str:
        """Give what was held back; the text has ended."""
        text, self._held = self._held, ""
        return _clean(text)


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    unix = whole.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in unix if char in _KEPT_CONTROLS or not _is_control(char))


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f"


def clean_title(text: str, most: int = 60) -> str:
    """Make a chat's provisional title of its first question: one line, cut at a word."""
    line = " ".join(_clean(text).split())
    if len(line) <= most:
        return line
    cut = line[:most].rsplit(" ", 1)[0]
    return (cut or line[:most]) + "…"


def paced(listeners: int) -> "Coalescer":
    """Gather text for so many listeners: beyond 25 of them frames become rarer, and larger by as much."""
    interval_s = max(FRAME_INTERVAL_S, listeners / SENDS_MOST)
    return Coalescer(interval_s=interval_s, most_bytes=round(FRAME_MOST_BYTES * interval_s / FRAME_INTERVAL_S))


@dataclass(slots=True)
class Coalescer:
    """Gather text into frames: the first at once, then one per interval or per kilobyte (decision 7)."""

    interval_s: float = FRAME_INTERVAL_S
    most_bytes: int = FRAME_MOST_BYTES
    _pending: list[str] = field(default_factory=list[str])
    _bytes: int = 0
    _sent_at: float | None = None

    def add(self, text: str) -> None:
        """Take text that waits to be sent."""
        self._pending.append(text)
        self._bytes += len(text.encode())

    def due_in(self, now: float) -> float | None:
        """Tell in how many seconds a frame is due; None when nothing waits."""
        if not self._bytes:
            return None
        if self._sent_at is None or self._bytes >= self.most_bytes:
            return 0.0
        return max(0.0, self._sent_at + self.interval_s - now)

    def take(self, now: float) -> str:
        """Give all that waits, as one frame."""
        text = "".join(self._pending)
        self._pending.clear()
        self._bytes = 0
        self._sent_at = now
        return text
