"""Write our log lines as JSON, one a line, of allowed fields only; faults by type and place, never by their words."""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from types import TracebackType

from shared.domain import correlation

FIELDS = frozenset({
    "attempt", "chars", "code", "correlation_id", "end", "entry", "epoch", "error", "event", "fault", "frame", "groups",
    "has_copy", "key", "kind", "may_repeat", "n", "outcome", "past_due", "prompt", "reason", "seq", "server", "servers",
    "status", "stored", "task", "tool", "tools", "turn_id", "turns",
})  # fmt: skip
"""What a line may hold besides time, level, logger and message; all are ids, counts, codes and durations."""
VALUE_MOST = 200
_LIBRARIES = ("azure", "httpx2", "httpcore2", "mcp", "openai", "aiohttp", "asyncio")
_NOT_OURS = re.compile(r"[\w.+-]+@[\w-]+\.|eyJ[\w-]{8,}|(?i:bearer|accesskey|accountkey|access_token)")
"""E-mail addresses, tokens and keys: whatever looks like one is left out, wherever it came from."""


def set_up() -> None:
    """Make our own lines JSON, and keep libraries from logging every request with its URL."""
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    ours = logging.getLogger("salescoach")
    if not any(isinstance(handler, JsonLines) for handler in ours.handlers):
        ours.addHandler(JsonLines())
        ours.propagate = False


class JsonLines(logging.Handler):
    """Passes our records on to the worker's own handler, each as one line of JSON."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on whose text is the line and nothing else; one that cannot be is dropped, and said so."""
        try:
            line = logging.makeLogRecord(
                {"name": record.name, "levelno": record.levelno, "levelname": record.levelname, "msg": line_of(record)}
            )
            logging.getLogger().handle(line)
        except Exception:  # noqa: BLE001 - as logging's own handlers do: no work may fail for its log line
            self.handleError(logging.makeLogRecord({"name": record.name, "msg": "A log line was lost."}))


def line_of(record: logging.LogRecord) -> str:
    """Write a record as JSON; all control characters are escaped, so that no line can pretend to be two."""
    data: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        # The message is a name that stands in our code; arguments would be somebody's text.
        "message": _clean(str(record.msg)),
    }
    data |= {name: _clean(value) for name, value in vars(record).items() if name in FIELDS}
    if data.get("correlation_id") is None and correlation.current() is not None:
        data["correlation_id"] = correlation.current()
    if record.exc_info and record.exc_info[0] is not None:
        data["exception"] = record.exc_info[0].__name__
        data["at"] = _places(record.exc_info[2])
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"))


def _clean(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)[:VALUE_MOST]
    return "[left out]" if _NOT_OURS.search(text) else text


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
