"""Put the system prompt together: the base, what a role adds, and the facts of a person and a day."""

import asyncio
from dataclasses import dataclass

from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.identity import Caller, RoleChoice
from shared.domain.policy import ADMIN, choose_role
from shared.domain.prompt import SYSTEM_PROMPT, Prompt, Reader, fill, role_prompt
from shared.flow.catalog import known_roles, select
from shared.flow.services import Services
from shared.ports import PromptStore


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPrompt:
    """A system prompt as a model would get it now."""

    role: str | None
    version: str
    text: str


async def instructions(prompts: PromptStore, role: str | None) -> Prompt | None:
    """Read the template for a role; None when there is no system prompt at all.

    Raises:
        StoreUnavailable: the store is down and no good copy is known.
    """
    base, extra = await asyncio.gather(
        prompts.get(SYSTEM_PROMPT), prompts.get(role_prompt(role)) if role else _nothing()
    )
    if base is None or extra is None:
        return base
    return Prompt(text=f"{base.text.rstrip()}\n\n{extra.text}", version=f"{base.version}+{extra.version}")


async def _nothing() -> None:
    return None


async def preview(
    services: Services, prompts: PromptStore, caller: Caller, role: str | None, *, fiscal_year_start_month: int
) -> BuiltPrompt:
    """Show an Admin the prompt as it is built for a role, with the Admin's own name in it.

    Raises:
        ChatError: `forbidden` for anybody else, `not_found` for a role that nothing names or without a prompt.
        StoreUnavailable: the prompts cannot be read.
    """
    known = await known_roles(services)
    if ADMIN not in choose_role(caller.roles, known, None).effective:
        raise ChatError(ErrorCode.FORBIDDEN, "Only an Admin sees the prompts.")
    choice = RoleChoice(shown=None, effective=())
    if role is not None:
        # As if the Admin held the role and wished for it.
        choice = choose_role([role], known, role)
        if choice.shown is None:
            raise ChatError(ErrorCode.NOT_FOUND, "There is no such role.")
    template, catalog = await asyncio.gather(instructions(prompts, choice.shown), select(services, choice))
    if template is None:
        raise StoreUnavailable("there is no system prompt")
    reader = Reader(
        name=caller.name,
        role=choice.shown,
        timezone=None,
        now=services.clock.now(),
        fiscal_year_start_month=fiscal_year_start_month,
    )
    return BuiltPrompt(role=choice.shown, version=template.version, text=fill(template.text, reader, catalog.servers))
