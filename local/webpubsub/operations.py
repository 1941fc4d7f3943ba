"""The REST operations on connections, users and groups."""

from collections.abc import Collection, Iterable
from typing import Any, cast

from aiohttp import WSCloseCode, web
from yarl import URL

from local.webpubsub import tokens
from local.webpubsub.calls import Call, found, missing, predicate
from local.webpubsub.connection import Connection, Ending
from local.webpubsub.errors import ServiceError, bad_request, not_implemented
from local.webpubsub.frames import valid_group
from local.webpubsub.hubs import Predicate
from local.webpubsub.messages import loads

MAX_PAGE = 200


def _close(call: Call, targets: Iterable[Connection], excluded: Collection[str] = ()) -> web.Response:
    ending = Ending(WSCloseCode.OK, call.request.query.get("reason", ""))
    for connection in list(targets):
        if connection.id not in excluded:
            connection.end(ending)
    return web.Response(status=204)


def close_all(call: Call) -> web.Response:
    """Close every connection of the hub."""
    return _close(call, call.hub.connections.values(), call.excluded)


def close_group(call: Call) -> web.Response:
    """Close the connections of a group's members."""
    return _close(call, call.hub.of_group(call.group), call.excluded)


def close_user(call: Call) -> web.Response:
    """Close a user's connections."""
    return _close(call, call.hub.of_user(call.named("user")), call.excluded)


def close_connection(call: Call) -> web.Response:
    """Close one connection."""
    return _close(call, [call.connection] if call.connection else [])


def connection_exists(call: Call) -> web.Response:
    """Tell whether the connection exists."""
    return found(call.connection)


def group_exists(call: Call) -> web.Response:
    """Tell whether the group has a member."""
    return found(call.hub.of_group(call.group))


def user_exists(call: Call) -> web.Response:
    """Tell whether the user has a connection."""
    return found(call.hub.of_user(call.named("user")))


def add_connection(call: Call) -> web.Response:
    """Make one connection a member of a group."""
    if call.connection is None:
        raise missing("Connection")
    call.hub.join(call.connection, call.group)
    return web.Response(status=200)


def remove_connection(call: Call) -> web.Response:
    """End one connection's membership."""
    if call.connection is not None:
        call.hub.leave(call.connection, call.group)
    return web.Response(status=204)


def remove_connection_everywhere(call: Call) -> web.Response:
    """End every membership of one connection."""
    if call.connection is not None:
        call.hub.leave_all(call.connection)
    return web.Response(status=204)


def add_user(call: Call) -> web.Response:
    """Make a user's present connections members of a group."""
    connections = call.hub.of_user(call.named("user"))
    if not connections:
        raise missing("User")
    for connection in connections:
        call.hub.join(connection, call.group)
    return web.Response(status=200)


def remove_user(call: Call) -> web.Response:
    """End the membership of a user's connections."""
    for connection in call.hub.of_user(call.named("user")):
        call.hub.leave(connection, call.group)
    return web.Response(status=204)


def remove_user_everywhere(call: Call) -> web.Response:
    """End every membership of a user's connections."""
    for connection in call.hub.of_user(call.named("user")):
        call.hub.leave_all(connection)
    return web.Response(status=204)


def list_connections(call: Call) -> web.Response:
    """List a group's members, a page at a time; the token is the last connection id of the page before."""
    page = call.number("maxpagesize", 1, MAX_PAGE) or MAX_PAGE
    top = call.number("top", 1, None)
    after = call.request.query.get("continuationToken", "")
    waiting = sorted(one.id for one in call.hub.of_group(call.group) if one.id > after)
    ids = waiting[: min(page, top or page)]
    left = None if top is None else top - len(ids)
    more = len(waiting) > len(ids) and left != 0
    value = [{"connectionId": one, "userId": call.hub.connections[one].user_id} for one in ids]
    return web.json_response({"value": value, "nextLink": _next_link(call, ids[-1], left) if more else None})


def _next_link(call: Call, last: str, left: int | None) -> str:
    here = URL(f"{call.request.scheme}://{call.request.host}{call.request.raw_path}", encoded=True)
    query = {"continuationToken": last} | ({"top": str(left)} if left is not None else {})
    return str(here.update_query(query))


async def add_to_groups(call: Call) -> web.Response:
    """Make the connections that the filter lets through members of groups."""
    groups, matches = await _selection(call)
    for connection in list(call.hub.connections.values()):
        for group in groups if matches(connection) else []:
            call.hub.join(connection, group)
    return web.Response(status=200)


async def remove_from_groups(call: Call) -> web.Response:
    """End the membership of the connections that the filter lets through."""
    groups, matches = await _selection(call)
    for connection in list(call.hub.connections.values()):
        for group in groups if matches(connection) else []:
            call.hub.leave(connection, group)
    return web.Response(status=200)


async def _selection(call: Call) -> tuple[list[str], Predicate]:
    try:
        body = loads(await call.body())
    except ValueError as error:
        raise bad_request("the body is not JSON") from error
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    groups, text = fields.get("groups"), fields.get("filter")
    if not isinstance(groups, list) or not isinstance(text, str | None):
        raise bad_request("the body needs groups, and may have a filter", target="groups")
    names = cast("list[object]", groups)
    if not all(isinstance(name, str) and valid_group(name) for name in names):
        raise bad_request("a group's name is not valid", target="groups")
    return cast("list[str]", groups), predicate(text) or (lambda _: True)


def generate_token(call: Call) -> web.Response:
    """Issue a client access token to a caller with identity; who has the key signs them himself."""
    if not call.by_identity:
        raise ServiceError(401, "Error.Unauthorized", "Tokens are generated for Microsoft Entra callers only.")
    query = call.request.query
    if query.get("clientType", "Default").lower() != "default":
        raise not_implemented(f"clientType {query['clientType']}")
    token = tokens.mint_client(
        call.settings.keys[0],
        f"{call.request.scheme}://{call.request.host}/client/hubs/{call.hub.name}",
        user_id=query.get("userId"),
        roles=query.getall("role", []),
        groups=query.getall("group", []),
        minutes=call.number("minutesToExpire", 1, None) or 60,
    )
    return web.json_response({"token": token})
