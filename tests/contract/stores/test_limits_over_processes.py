"""The limits of one person over several processes that share a database and nothing else."""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from shared.adapters.cosmos.watch import CosmosAllowances
from shared.domain.ids import UserId

from .cosmos_process import CosmosServer, connected

ROOT = Path(__file__).resolve().parents[3]


async def host(url: str, user: str, questions: int) -> list[str]:
    """Run one process and tell how its questions ended."""
    script = str(Path(__file__).with_name("limit_worker.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, url, user, str(questions), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return said.decode().split()


@pytest.mark.requirement("limits:tokens")
async def test_three_processes_together_give_out_a_days_tokens_and_not_one_more(cosmos_server: CosmosServer) -> None:
    """Twelve questions' worth of tokens, thirty questions in three processes at once."""
    user = UserId(f"t:{uuid4()}")

    ends = await asyncio.gather(*(host(cosmos_server.url, user, 10) for _ in range(3)))

    counted = Counter(end for each in ends for end in each)
    async with connected(cosmos_server) as account:
        stored = await CosmosAllowances(account.items("users")).allowance(user)
    assert counted == {"None": 12, "quota_exceeded": 18}
    assert sum(one.tokens for one in stored.allowance.reserved) == 120_000
