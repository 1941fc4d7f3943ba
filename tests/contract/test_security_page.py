"""The security page names tests that exist, attack by attack."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \| (.+?) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_attack_has_a_control_a_test_and_what_it_answers_to() -> None:
    """Numbered without a gap."""
    rows = ROW.findall(PAGE)

    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 58
    for number, _, control, tests, answers in rows:
        assert control.strip(), number
        assert TEST.search(tests), number
        assert re.fullmatch(
            r"(?:V\d+\.\d+\.\d+|LLM\d\d|ASI\d\d|MCP\d\d)(?:, (?:V\d+\.\d+\.\d+|LLM\d\d|ASI\d\d|MCP\d\d))*",
            answers.strip(),
        )


@pytest.mark.parametrize(("file", "name"), sorted({(file, name) for file, name in TEST.findall(PAGE)}))
def test_every_named_test_exists(file: str, name: str) -> None:
    """The file, and in it the function."""
    path = ROOT / file

    assert path.is_file()
    assert not name or re.search(rf"^(?:async )?def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE)
