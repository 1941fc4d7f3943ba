"""Log lines: JSON, allowed fields only, nothing of anybody's words."""

import contextvars
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.json_logs import FIELDS, JsonLines, line_of, set_up
from shared.domain import correlation
from tests.unit.flow.conftest import Room, says

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def ours() -> Iterator[logging.Logger]:
    """Our logger as the app sets it up, and as it was afterwards."""
    logger = logging.getLogger("salescoach")
    levels = {name: logging.getLogger(name).level for name in ("azure", "openai")}
    set_up()
    yield logger
    logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, JsonLines)]
    logger.propagate = True
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.requirement("logs:allow-list")
def test_a_line_holds_allowed_fields_and_no_words_of_a_fault(
    ours: logging.Logger,
) -> None:
    """Neither other fields, nor arguments, nor what an exception says."""
    written = io.StringIO()
    worker = logging.StreamHandler(written)
    logging.getLogger().addHandler(worker)
    try:
        int("canary")
    except ValueError:
        logging.getLogger("salescoach.edge").exception(
            "edge.fault", extra={"correlation_id": "c1", "content": "canary", "chars": 7}
        )
    ours.warning("not.so %s", "canary")
    logging.getLogger().removeHandler(worker)

    assert "canary" not in written.getvalue()
    line = json.loads(written.getvalue().splitlines()[0])
    assert (line["message"], line["correlation_id"], line["chars"], line["exception"]) == (
        "edge.fault",
        "c1",
        7,
        "ValueError",
    )
    assert line["at"][0].startswith("test_json_logs.py:")


@pytest.mark.requirement("logs:correlated")
def test_every_line_of_an_invocation_carries_its_id() -> None:
    """Also lines that name none; a line's own id comes first, and outside of invocations there is none."""

    def lines(*fields: dict[str, object]) -> list[object]:
        records = [{"name": "salescoach.x", "msg": "m", "levelname": "INFO", **one} for one in fields]
        return [json.loads(line_of(logging.makeLogRecord(record))).get("correlation_id") for record in records]

    def invocation() -> list[object]:
        correlation.begin("c1")
        return lines({}, {"turn_id": "t"}, {"correlation_id": None}, {"correlation_id": "c2"})

    assert contextvars.copy_context().run(invocation) == ["c1", "c1", "c1", "c2"]
    assert contextvars.copy_context().run(lines, {}) == [None]


@pytest.mark.requirement("logs:no-injection")
@pytest.mark.parametrize("text", ["a\nlevel=ERROR", "a\r\n{}", "\x1b[31mred", "\u2028next", '","level":"ERROR', "\x00"])
def test_no_text_can_pretend_to_be_a_line_of_its_own(text: str) -> None:
    """Whatever gets into an allowed field stays inside it."""
    record = logging.makeLogRecord({"name": "salescoach.x", "msg": "m", "levelname": "INFO", "reason": text})

    line = line_of(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["reason"] == text


@pytest.mark.parametrize("text", ["sam@example.com", "eyJhbGciOiJSUzI1NiJ9.x", "Bearer abc", "AccountKey=abc"])
def test_what_looks_like_a_token_or_an_address_is_left_out(text: str) -> None:
    """Also in allowed fields, such as an SDK's reason."""
    record = logging.makeLogRecord({"name": "salescoach.x", "msg": "m", "levelname": "INFO", "reason": f"at {text}"})

    assert json.loads(line_of(record))["reason"] == "[left out]"


@pytest.mark.requirement("logs:allow-list")
def test_every_field_that_the_code_logs_is_allowed() -> None:
    """A field that is not is dropped, and somebody misses it."""
    used: set[str] = set()
    for folder in ("shared", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            for extra in re.findall(r"_log\.\w+\([^}]*?extra=\{([^}]*)\}", path.read_text(encoding="utf-8")):
                used |= set(re.findall(r'"([a-z_]+)":', extra))

    assert used <= FIELDS


@pytest.mark.requirement("query:failure-matrix")
async def test_a_log_that_takes_nothing_costs_no_turn_its_answer(
    ours: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the host's handler raises, lines are lost and work is not."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(f"no space left for {record.name}")

    broken = Broken()
    room = Room()
    logging.getLogger().addHandler(broken)
    try:
        await room.sign_in()
        room.scripted(says("It is fine."))
        await room.ask()
        effects = await room.run()
        ours.error("turn.anything")
    finally:
        logging.getLogger().removeHandler(broken)

    assert effects == ["RunRound", "Seal", "Persist", "Release"]
    assert [frame.type for frame in room.frames("response.committed")] == ["response.committed"]
    assert "A log line was lost." in capsys.readouterr().err
