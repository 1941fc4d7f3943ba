"""Who is connected, and to which groups: the state of every hub, in memory."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from local.webpubsub.messages import Message

if TYPE_CHECKING:
    from local.webpubsub.connection import Connection

HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_`,.\[\]]{0,127}")
Members: TypeAlias = dict[str, "Connection"]
Predicate: TypeAlias = Callable[["Connection"], bool]


@dataclass(slots=True)
class Hub:
    """The connections of one hub, by id, by user and by group."""

    name: str
    connections: Members = field(default_factory=dict[str, "Connection"])
    users: dict[str, Members] = field(default_factory=dict[str, Members])
    groups: dict[str, Members] = field(default_factory=dict[str, Members])

    def add(self, connection: "Connection") -> None:
        """Register a connection with the groups that it begins with."""
        self.connections[connection.id] = connection
        if connection.user_id is not None:
            self.users.setdefault(connection.user_id, {})[connection.id] = connection
        for group in connection.groups:
            self.groups.setdefault(group, {})[connection.id] = connection

    def remove(self, connection: "Connection") -> None:
        """Forget a connection; a second time is a no-op."""
        self.connections.pop(connection.id, None)
        if connection.user_id is not None:
            _drop(self.users, connection.user_id, connection.id)
        for group in connection.groups:
            _drop(self.groups, group, connection.id)

    def join(self, connection: "Connection", group: str) -> None:
        """Make the connection a member; a second time is a no-op."""
        connection.groups.add(group)
        self.groups.setdefault(group, {})[connection.id] = connection

    def leave(self, connection: "Connection", group: str) -> None:
        """End the membership; without one it is a no-op."""
        connection.groups.discard(group)
        _drop(self.groups, group, connection.id)

    def leave_all(self, connection: "Connection") -> None:
        """End every membership of the connection."""
        for group in list(connection.groups):
            self.leave(connection, group)

    def of_user(self, user_id: str) -> list["Connection"]:
        """Return the user's connections."""
        return list(self.users.get(user_id, {}).values())

    def of_group(self, group: str) -> list["Connection"]:
        """Return the group's members."""
        return list(self.groups.get(group, {}).values())


def _drop(index: dict[str, Members], key: str, connection_id: str) -> None:
    members = index.get(key)
    if members is not None:
        members.pop(connection_id, None)
        if not members:
            del index[key]


class Hubs:
    """Every hub that was ever spoken of; names compare without case."""

    def __init__(self) -> None:
        self._hubs: dict[str, Hub] = {}

    def get(self, name: str) -> Hub:
        """Return the hub of that name."""
        key = name.lower()
        return self._hubs.setdefault(key, Hub(key))

    def connections(self) -> list["Connection"]:
        """Return the connections of all hubs."""
        return [one for hub in self._hubs.values() for one in hub.connections.values()]


def publish(
    targets: Iterable["Connection"],
    message: Message,
    *,
    excluded: Collection[str] = (),
    only: Predicate | None = None,
) -> None:
    """Send the message to each target that is not excluded and that the predicate lets through."""
    for connection in list(targets):
        if connection.id not in excluded and (only is None or only(connection)):
            connection.deliver(message)
