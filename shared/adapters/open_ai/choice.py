"""Send each request to the API that its model speaks, as the registry says."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from shared.domain.model import ModelEvent, ModelRequest
from shared.domain.models import Deployments, Flavour, spec_of
from shared.ports import ChatModel


class ModelChoice:
    """Meet ChatModel; an API's client is built when the first request needs it."""

    def __init__(self, deployments: Deployments, build: Callable[[Flavour], ChatModel]) -> None:
        self._deployments = deployments
        self._build = build
        self._built: dict[Flavour, ChatModel] = {}

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[ModelEvent]]:
        """Open the stream of the model that serves the request."""
        flavour = spec_of(self._deployments.serving(request)).flavour
        if flavour not in self._built:
            self._built[flavour] = self._build(flavour)
        return self._built[flavour].stream(request)

    def name(self, *, secondary: bool) -> str:
        """Name the model that a request would use."""
        return self._deployments.secondary if secondary else self._deployments.primary
