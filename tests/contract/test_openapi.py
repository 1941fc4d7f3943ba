"""The OpenAPI document is what the app's routes and models say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.requirement("api:openapi")
def test_the_openapi_document_is_current() -> None:
    """Written by `python docs/openapi.py` from the function index; a new route or another model shows here."""
    program = "import sys; sys.path.insert(0, 'docs'); import openapi; sys.stdout.write(openapi.text())"

    written = subprocess.run(  # noqa: S603 - this interpreter on a program of ours
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout

    assert json.loads(written) == json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")), (
        "run `.venv/bin/python docs/openapi.py`"
    )


def test_every_shape_of_the_document_belongs_to_a_route() -> None:
    """A route that is gone leaves nothing behind."""
    program = (
        "import sys; sys.path.insert(0, 'docs'); import openapi; paths = openapi.document()['paths'];"
        "print([key for key in openapi.SHAPES if key[0] not in paths.get(key[1], {})])"
    )

    left = subprocess.run(  # noqa: S603 - this interpreter on a program of ours
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout

    assert left.strip() == "[]"
