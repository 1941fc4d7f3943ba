"""Find where a person stands in a conversation: whether it is theirs, what they may read, in which role they ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.domain.conversation import NO_SUCH_SESSION, Conversation
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.group import NO_SUCH_GROUP, Group, Member, is_admin, require_active, require_member
from shared.domain.identity import Caller, RoleChoice
from shared.domain.ids import ConversationKey, PublicId, UserId, group_key, session_key, tenant_of
from shared.domain.mention import calls_coach
from shared.domain.policy import choose_role
from shared.domain.sight import Sight
from shared.domain.turns import Turn
from shared.flow.catalog import known_roles
from shared.flow.services import Services

NO_SUCH_TURN = "There is no such turn."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One person in one conversation."""

    conversation: Conversation
    sight: Sight

    @property
    def listeners(self) -> int | None:
        """Count the people who follow, if it is more than the person."""
        return None

    @property
    def limited_sight(self) -> Sight | None:
        """Give the sight if somebody could see less than all; a session shows its person everything."""
        return None

    def require_begun(self) -> None:
        """Let nobody read a conversation of which nothing is stored.

        Raises:
            ChatError: `not_found`: a session begins with its first question.
        """
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_SESSION)

    def require_open(self) -> None:
        """Let pass what is written here.

        Raises:
            ChatError: `conflict` where nothing more is written.
        """

    def works_as(self, own: RoleChoice) -> RoleChoice:
        """Give the role in which the person asks here."""
        return own

    def calls_coach(self, sender: UserId, content: str, names: Iterable[str]) -> bool:  # noqa: ARG002
        """Tell whether a message here is one for the coach."""
        return True

    def may_stop(self, user_id: UserId, turn: Turn) -> bool:
        """Tell whether somebody may stop a turn here."""
        return user_id == turn.asker.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Standing):
    """One member in one group: where a group is not as a session is, it says so here."""

    group: Group

    @property
    def listeners(self) -> int | None:
        """Count the members."""
        return len(self.group.members)

    @property
    def limited_sight(self) -> Sight | None:
        """Give the member's sight."""
        return self.sight

    def require_begun(self) -> None:
        """Let members read a group in which nobody has said anything yet."""

    def require_open(self) -> None:
        """Let pass what is written into an active group.

        Raises:
            ChatError: `conflict` for an archived one.
        """
        require_active(self.group)

    def works_as(self, own: RoleChoice) -> RoleChoice:  # noqa: ARG002
        """Give the group's role, in which everyone works."""
        return self.group.works_as

    def calls_coach(self, sender: UserId, content: str, names: Iterable[str]) -> bool:
        """Tell whether the group's policy has the coach answer."""
        return calls_coach(content, self.group.reply_policy, by_owner=sender == self.group.owner, names=names)

    def may_stop(self, user_id: UserId, turn: Turn) -> bool:
        """Tell whether somebody asked, or owns the group."""
        return user_id in (turn.asker.id, self.group.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A proved person, with the roles that the proof holds."""

    user_id: UserId
    roles: tuple[str, ...] = ()


async def reader_of(services: Services, caller: Caller) -> Reader:
    """Take a caller with those of their roles that this deployment knows."""
    known = await known_roles(services)
    return Reader(user_id=caller.user_id, roles=choose_role(caller.roles, known, None).effective)


def in_session(reader: Reader, session_id: PublicId) -> Standing:
    """Stand in one's own session; a foreign session's id names another one of one's own."""
    key = session_key(reader.user_id, session_id)
    conversation = Conversation(key=key, public_id=session_id, kind="session", owner=reader.user_id)
    return Standing(conversation=conversation, sight=Sight(roles=reader.roles))


async def in_group(services: Services, reader: Reader, group_id: PublicId) -> Membership:
    """Stand in a group, as its item says at this moment.

    Raises:
        ChatError: `not_found` to everyone but its members.
    """
    standing = await _member(services, reader, group_key(group_id))
    if standing is None:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_GROUP)
    return standing


async def anywhere(services: Services, reader: Reader, conversation_id: PublicId) -> Standing:
    """Stand in the group of this id if the person is its member, else in their session of this id."""
    standing = await _member(services, reader, group_key(conversation_id))
    return standing or in_session(reader, conversation_id)


async def at_turn(services: Services, reader: Reader, turn: Turn | None) -> Standing:
    """Stand where a turn belongs.

    Raises:
        ChatError: `not_found`, in the same words for absent and for not theirs.
    """
    where = turn.conversation if turn is not None else None
    standing: Standing | None = None
    if where is not None and where.kind == "group":
        standing = await _member(services, reader, where.key)
    elif where is not None and where.owner == reader.user_id:
        standing = Standing(conversation=where, sight=Sight(roles=reader.roles))
    if standing is None:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_TURN)
    return standing


async def require_may_cancel(services: Services, reader: Reader, turn: Turn) -> None:
    """Let pass who may stop a turn: its asker, its group's owner, an Admin of the group's own organisation (rule 15).

    Raises:
        ChatError: `forbidden` to another member, `not_found` to everyone else.
    """
    where = turn.conversation
    if where.kind == "group" and is_admin(reader.roles) and tenant_of(reader.user_id) == tenant_of(where.owner):
        return
    standing = await at_turn(services, reader, turn)
    if not standing.may_stop(reader.user_id, turn):
        raise ChatError(ErrorCode.FORBIDDEN, "Only who asked, or the group's owner, may stop this answer.")


async def is_member(services: Services, key: ConversationKey, user_id: UserId) -> bool:
    """Tell whether somebody belongs to a group at this moment."""
    return await _member(services, Reader(user_id=user_id), key) is not None


async def _member(services: Services, reader: Reader, key: ConversationKey) -> Membership | None:
    stored = await services.groups.group(key)
    try:
        member = require_member(stored.group if stored else None, reader.user_id)
    except ChatError:
        return None
    return _as_member(stored.group, member, reader) if stored else None


def _as_member(group: Group, member: Member, reader: Reader) -> Membership:
    after_seq = member.joined_seq if group.history == "since_join" else 0
    conversation = replace(group.conversation, bound_to=group.bound_to)
    return Membership(conversation=conversation, sight=Sight(after_seq=after_seq, roles=reader.roles), group=group)
