"""Learn the common questions from answered turns, each looked at once, and offer them to those of the same role."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from shared.domain.common_questions import GENERAL, Asked, CommonQuestion, learn, shown_to
from shared.domain.identity import Caller
from shared.domain.policy import ANYONE, choose_role
from shared.domain.tools import ServerEntry
from shared.domain.turns import Turn, TurnRef
from shared.flow.services import Services
from shared.question_ports import QuestionBook

AT_ONCE = 100
ROUNDS = 10
"""At most so many times a hundred turns in one run of the timer."""
HR = "hr"

_log = logging.getLogger("salescoach.questions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One common question as people see it."""

    text: str
    category: str
    role: str | None
    askers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What the questions of one kind are about, and how many there are."""

    category: str
    description: str | None
    questions: int


async def learn_questions(services: Services, book: QuestionBook) -> int:
    """Look at every answered turn that nobody has looked at; give how many there were."""
    servers, known = await asyncio.gather(services.registry.servers(), book.groups())
    groups = {group.group_id: group for group in known}
    looked = 0
    for _ in range(ROUNDS):
        refs = await book.unseen(AT_ONCE)
        for ref in refs:
            await _look_at(services, book, ref, groups, servers)
        looked += len(refs)
        if len(refs) < AT_ONCE:
            break
    _log.info("questions.learned", extra={"turns": looked, "groups": len(groups)})
    return looked


async def _look_at(
    services: Services,
    book: QuestionBook,
    ref: TurnRef,
    groups: dict[str, CommonQuestion],
    servers: list[ServerEntry],
) -> None:
    turn = await services.conversations.turn(ref.key, ref.turn_id)
    asked = await _asked(services, turn, servers) if turn is not None else None
    group = learn(groups.values(), asked) if asked is not None else None
    if group is not None and groups.get(group.group_id) != group:
        # First the group, then the mark: a run that is cut short looks again, and counts nobody twice.
        await book.keep(group)
        groups[group.group_id] = group
    await book.seen(ref)


async def _asked(services: Services, turn: Turn, servers: list[ServerEntry]) -> Asked | None:
    """Give what may be learned from; None when a tool of HR was used, or one that the registry no longer knows."""
    used = [told.server for told in turn.sealed.tool_feedback] if turn.sealed else []
    roles = {server.name: server.roles for server in servers}
    if any(name not in roles or _is_of_hr(roles[name]) for name in used):
        return None
    question = await services.conversations.message(turn.conversation.key, turn.question_id)
    if question is None:
        return None
    category = Counter(used).most_common(1)[0][0] if used else GENERAL
    return Asked(text=question.content, asker=turn.asker.id, role=turn.role.shown or "", category=category)


def _is_of_hr(roles: tuple[str, ...]) -> bool:
    return any(role.casefold() == HR for role in roles) and ANYONE not in roles


async def suggestions(
    services: Services, book: QuestionBook, caller: Caller, category: str | None, limit: int
) -> list[Suggestion]:
    """Offer what others of the caller's roles ask, the most asked first."""
    seen = await _visible(services, book, caller)
    wanted = [one for one in seen if category is None or one.category == category]
    return [
        Suggestion(text=one.text, category=one.category, role=one.role or None, askers=len(one.askers))
        for one in wanted[:limit]
    ]


async def categories(services: Services, book: QuestionBook, caller: Caller) -> list[Category]:
    """List what the caller's suggestions are about."""
    seen, servers = await asyncio.gather(_visible(services, book, caller), services.registry.servers())
    about = {server.name: server.description for server in servers}
    counts = Counter(one.category for one in seen)
    return [
        Category(category=name, description=about.get(name) or None, questions=count)
        for name, count in counts.most_common()
    ]


async def _visible(services: Services, book: QuestionBook, caller: Caller) -> list[CommonQuestion]:
    servers, groups = await asyncio.gather(services.registry.servers(), book.groups())
    known = {role for server in servers for role in server.roles if role != ANYONE}
    return shown_to(groups, choose_role(caller.roles, known, None))
