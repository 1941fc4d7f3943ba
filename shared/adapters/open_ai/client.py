"""Build the SDK's client, open a stream by it, and say what its errors mean; the same for both API flavours."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai

from shared.domain import model_faults
from shared.domain.errors import ModelFailed

ApiKey = str | Callable[[], Awaitable[str]]

SILENCE_S = 20.0
"""A model that sends no byte for so long is given up (docs/protocol.md, rule 14)."""
TEMPERATURE = 0.2


def build_client(base_url: str, api_key: ApiKey) -> openai.AsyncOpenAI:
    """Build a client that waits and retries for nobody: the turn machine does (docs/architecture.md, decision 17)."""
    timeout = httpx2.Timeout(SILENCE_S, connect=5)
    return openai.AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=timeout)


@asynccontextmanager
async def opened(request: Awaitable[Any]) -> AsyncGenerator[AsyncIterator[Any]]:
    """Open a stream; leaving the context closes the connection, which stops the model.

    Raises:
        ModelFailed: the model refused, broke or was silent for too long.
    """
    try:
        stream = await request
        async with stream:
            yield _read(stream)
    except openai.OpenAIError as fault:
        raise failure(fault) from fault


async def _read(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    try:
        async for part in stream:
            yield part
    except openai.OpenAIError as fault:
        raise failure(fault) from fault
    except json.JSONDecodeError as fault:
        raise model_faults.unreadable() from fault


def failure(fault: openai.OpenAIError) -> ModelFailed:
    """Say what a vendor's error means for the turn."""
    if isinstance(fault, openai.APIStatusError):
        return model_faults.of_status(fault.status_code, fault.code, fault.response.headers.get("retry-after"))
    return model_faults.silent()
