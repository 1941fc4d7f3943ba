"""Say what one person may read of a conversation: from where on, and which of the coach's answers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.domain.conversation import Message
from shared.domain.group import holds
from shared.domain.notes import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody may read; as it stands it shows all of a conversation that is bound to no role."""

    after_seq: int = 0
    """Messages up to this number were written before they came, and stay unseen."""
    roles: tuple[str, ...] = ()
    """Roles that a token proved."""

    def hears(self, bound_to: str | None) -> bool:
        """Tell whether they get what is bound to a role; an Admin may use every role's tools anyway."""
        return holds(self.roles, bound_to)

    def reads(self, message: Message) -> bool:
        """Tell whether they may read what a message says."""
        return message.seq > self.after_seq and self.hears(message.bound_to)

    def reads_summary(self, summary: Summary) -> bool:
        """Tell whether they may read a summary, which speaks of everything from the beginning on."""
        return self.after_seq == 0 and all(self.hears(role) for role in summary.bound_to)

    def shown(self, messages: Iterable[Message]) -> list[Message]:
        """Give the messages as this person gets them: answers that are withheld keep their place and no word."""
        seen = (message for message in messages if message.seq > self.after_seq)
        return [message if self.hears(message.bound_to) else withheld(message) for message in seen]


def withheld(answer: Message) -> Message:
    """Give what is left of an answer for those who must not read it: that it was given, and when."""
    return replace(
        answer,
        content="",
        attempt=None,
        model=None,
        finish_reason=None,
        usage=None,
        tables=[],
        chart_data=None,
        tool_feedback=[],
        spoken_summary=None,
        prompt_version=None,
        withheld="role",
    )
