"""The streams of the wire that tell of groups, read by the Python client as the web client reads them."""

from __future__ import annotations

import pytest

from tests.contract.golden_streams import entries, is_part, names
from tests.e2e.room import Known, apply


@pytest.mark.requirement("group:changed")
@pytest.mark.parametrize("stream", names("group_*"))
def test_the_python_client_knows_of_a_group_what_the_web_client_knows(stream: str) -> None:
    """Its title, rules, owner and people; questions and turns are read by other tests."""
    known: dict[str, Known] = {}
    for number, entry in entries(stream):
        if "frame" in entry:
            group = entry["frame"]["group_id"]
            known[group] = apply(known.get(group, {}), entry["frame"])
        for group, facts in entry.get("expect", {}).get("conversations", {}).items():
            assert is_part(known[group], facts), f"line {number}: {known[group]}"
