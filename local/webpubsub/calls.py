"""One proven REST request, and what every operation reads from it."""

from dataclasses import dataclass

from aiohttp import web

from local.webpubsub import odata
from local.webpubsub.config import Settings
from local.webpubsub.connection import Connection
from local.webpubsub.errors import ServiceError, bad_request
from local.webpubsub.frames import valid_group
from local.webpubsub.hubs import Hub, Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One proven request: its hub, and the names in its path."""

    request: web.Request
    settings: Settings
    hub: Hub
    parameters: dict[str, str]
    by_identity: bool

    def named(self, name: str) -> str:
        """Return a name from the path."""
        return self.parameters[name]

    @property
    def group(self) -> str:
        """The group that the path names; one that cannot exist is refused."""
        group = self.parameters["group"]
        if not valid_group(group):
            raise bad_request("the group's name is not valid", target="group")
        return group

    @property
    def connection(self) -> Connection | None:
        """The connection that the path names, when there is one."""
        return self.hub.connections.get(self.parameters["connection"])

    @property
    def excluded(self) -> set[str]:
        """The connections that the query excludes, by repeated keys."""
        return set(self.request.query.getall("excluded", []))

    def number(self, name: str, lowest: int, highest: int | None) -> int | None:
        """Return a number of the query, None when it is absent."""
        text = self.request.query.get(name)
        if text is None:
            return None
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1  # noqa: PLR2004
        if number < lowest or (highest is not None and number > highest):
            raise bad_request(f"{name} must be {lowest} to {highest or 'any number'}", target=name)
        return number

    @property
    def only(self) -> Predicate | None:
        """The filter of the query as a predicate over connections."""
        return predicate(self.request.query.get("filter"))

    async def body(self) -> bytes:
        """Return the body; one without length or over the limit is refused."""
        length, limit = self.request.content_length, self.settings.limits.message_bytes
        if length is None or length > limit:
            raise bad_request(f"Content-Length is required, up to {limit}", target="Content-Length")
        try:
            return await self.request.read()
        except (ConnectionError, web.RequestPayloadError) as error:
            raise bad_request("the body ended before its length") from error


def predicate(text: str | None) -> Predicate | None:
    """Return the filter as a predicate over connections, None when there is none.

    Raises ServiceError.
    """
    if not text:
        return None
    try:
        matches = odata.parse(text)
    except odata.FilterInvalid as fault:
        raise bad_request(str(fault), target="filter") from fault
    return lambda connection: matches(connection.subject)


def found(thing: object) -> web.Response:
    """Answer whether something exists."""
    return web.Response(status=200 if thing else 404)


def missing(what: str) -> ServiceError:
    """Build the 404 of an operation on something that does not exist."""
    return ServiceError(404, f"Info.{what}.NotExisted", f"The {what.lower()} does not exist.", target=what.lower())
