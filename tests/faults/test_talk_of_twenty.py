"""Twenty people talk at length in one group: 50 messages each where that size is asked for, else a sample."""

import pytest

from tests.e2e.crowd import twenty_talk
from tests.e2e.stack import Stack


@pytest.mark.requirement("group:crowd")
async def test_twenty_people_talk_at_length(fault_stack: Stack, big: int | None) -> None:
    """Nothing is lost or doubled, and the order is the same for all."""
    await twenty_talk(fault_stack, each=50 if big else 6)
