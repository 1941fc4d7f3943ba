"""An event loop whose time jumps to what happens next, so that hours pass in milliseconds and always alike."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class _Jumping(selectors.SelectSelector):
    """Never waits: the time that would be waited for has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let time pass.

        Raises:
            RuntimeError: everybody waits for somebody else.
        """
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will happen")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks in the order of their virtual times; work for threads is done at once."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Give the virtual seconds since the start."""
        return self._jumping.now

    def run_in_executor(  # pyright: ignore[reportIncompatibleMethodOverride]  # the base's own stub is narrower
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Work at once: real threads would come back at times of their own."""
        done: asyncio.Future[Any] = self.create_future()
        done.set_result(func(*args))
        return done
