"""Stream rounds by the SDK's client and say what its errors mean; the same for both API flavours."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai

from shared.domain import model_faults
from shared.domain.errors import ModelFailed
from shared.domain.model import ModelEvent, ModelRequest
from shared.domain.models import Deployments

ApiKey = str | Callable[[], Awaitable[str]]

SILENCE_S = 20.0
"""A model that sends no byte for so long is given up (docs/protocol.md, rule 14)."""
TEMPERATURE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What one flavour of the API asks and hears in its own words."""

    create: Callable[[openai.AsyncOpenAI], Any]
    arguments: Callable[[str, ModelRequest], dict[str, Any]]
    events: Callable[[AsyncIterator[Any], str], AsyncIterator[ModelEvent]]


class OpenAiModel:
    """Meet ChatModel by one API."""

    def __init__(
        self, api: Api, *, base_url: str, api_key: ApiKey, deployments: Deployments, silence_s: float = SILENCE_S
    ) -> None:
        self._api = api
        self._deployments = deployments
        timeout = httpx2.Timeout(silence_s, connect=5)
        # It waits and retries for nobody: the turn machine does (docs/architecture.md, decision 17).
        self._client = openai.AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=timeout)

    def name(self, *, secondary: bool) -> str:
        """Name the model that a request would use."""
        return self._deployments.secondary if secondary else self._deployments.primary

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent]]:
        """Open the stream; leaving the context closes the connection, which stops the model.

        Raises:
            ModelFailed: the model refused, broke or was silent for too long.
        """
        name = self._deployments.serving(request)
        create = self._api.create(self._client)
        async with _opened(create(**self._api.arguments(name, request))) as stream:
            yield self._api.events(stream, name)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.close()


@asynccontextmanager
async def _opened(request: Awaitable[Any]) -> AsyncGenerator[AsyncIterator[Any]]:
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
        return model_faults.of_status(fault.status_code, fault.code, _wished_wait(fault.response.headers))
    return model_faults.silent()


def _wished_wait(headers: Mapping[str, str]) -> str | None:
    """Give `Retry-After` in seconds; a date is counted from the server's own time (RFC 9110, 10.2.3)."""
    wish = headers.get("retry-after", "").strip()
    try:
        until, since = parsedate_to_datetime(wish), parsedate_to_datetime(headers.get("date", ""))
        return str(max((until - since).total_seconds(), 0.0))
    except (TypeError, ValueError):
        return wish or None
