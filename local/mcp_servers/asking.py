"""Learn from a request who asks, and whose figures they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

Row = dict[str, Any]
Asking = Context[Any, Any]

Owner = Annotated[
    str,
    Field(
        description="Whose: me (the person who asks), all (everybody), or a name or e-mail address",
        examples=["me", "all"],
    ),
]
Whom = Annotated[
    str,
    Field(description="Which person: me (who asks), or a name or e-mail address", examples=["me"]),
]


def asker(ctx: Asking) -> str:
    """Return the e-mail address of the person who asks, as the gate proved it.

    Raises:
        ToolError: nobody is known; the model can then ask for a name.
    """
    address = getattr(ctx.request_context.request.state, "asker", "") if ctx.request_context.request else ""
    if not address:
        raise ToolError("It is not known who asks; give a name or an e-mail address.")
    return address


def owner_address(owner: str, ctx: Asking, people: Sequence[Row]) -> str | None:
    """Return the address of the person meant by `owner`, None for everybody.

    Raises:
        ToolError: nobody fits, or several people do.
    """
    if owner == "all":
        return None
    return person_meant(owner, ctx, people)["email"]


def person_meant(whom: str, ctx: Asking, people: Sequence[Row]) -> Row:
    """Return the one person meant by `me`, a name or an address.

    Raises:
        ToolError: nobody fits, or several people do; the text names them.
    """
    wanted = asker(ctx).lower() if whom == "me" else whom.strip().lower()
    exact = [one for one in people if wanted in {one["email"].lower(), one["name"].lower()}]
    found = exact or [one for one in people if wanted in one["name"].lower() or wanted in one["email"].lower()]
    if not found:
        raise ToolError(f"Nobody called {whom!r} is known here.")
    if len(found) > 1:
        raise ToolError(f"{whom!r} fits several people: {', '.join(one['name'] for one in found[:5])}.")
    return found[0]
