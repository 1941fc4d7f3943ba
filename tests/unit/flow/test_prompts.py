"""An Admin sees the prompt as it is built; what a turn was told begins alike from round to round."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.prompt import role_prompt
from shared.flow.prompts import preview


def caller(room: Any, *roles: str) -> Any:
    """Sam with these roles."""
    return replace(room.callers["sam's token"], roles=roles)


@pytest.mark.requirement("api:prompt")
async def test_an_admin_sees_the_prompt_of_any_role(room: Any) -> None:
    """Filled as for a model: the role's servers, the role's addition, the version of both."""
    room.prompts.texts[role_prompt("Sales")] = "Think in pipeline."

    built = await preview(room.services, room.prompts, caller(room, "Admin"), "sales", fiscal_year_start_month=1)

    assert built.role == "Sales"
    assert "sfdc of" not in built.text
    assert "1. sfdc: sfdc" in built.text
    assert "hr: hr" not in built.text
    assert built.text.endswith("Think in pipeline.")
    assert built.version.count("memory:") == 2


@pytest.mark.requirement("api:prompt")
@pytest.mark.parametrize(
    ("roles", "role", "code"),
    [
        (("Sales",), "Sales", ErrorCode.FORBIDDEN),
        ((), None, ErrorCode.FORBIDDEN),
        (("Admin",), "Wizard", ErrorCode.NOT_FOUND),
    ],
)
async def test_nobody_else_sees_it(room: Any, roles: tuple[str, ...], role: str | None, code: ErrorCode) -> None:
    """403 without the role Admin; 404 for a role that nothing names."""
    with pytest.raises(ChatError) as refused:
        await preview(room.services, room.prompts, caller(room, *roles), role, fiscal_year_start_month=1)

    assert refused.value.code is code


async def test_every_round_of_a_turn_begins_with_the_same_words(room: Any, rounds: Any) -> None:
    """Also when the clock moves meanwhile: the provider's cache needs the same beginning."""
    room.prompts.texts["mcp_backend_system_prompt.txt"] = "It is {{USER_LOCAL_TIME}}, {{TODAY_DATE}}."
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("7."))

    await room.ask()
    room.clock.advance(2 * 3600)
    await room.run()

    first, second = room.model.requests
    assert first.system == second.system
    assert second.said[: len(first.said)] == first.said
