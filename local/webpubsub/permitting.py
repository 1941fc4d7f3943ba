"""The REST operations on what a connection may do."""

from aiohttp import web

from local.webpubsub import permissions
from local.webpubsub.calls import Call, found, missing
from local.webpubsub.errors import ServiceError, bad_request
from local.webpubsub.permissions import Permission


def _permission(call: Call) -> tuple[Permission, str | None]:
    permission = permissions.parse(call.named("permission"))
    if permission is None:
        raise bad_request("permission must be sendToGroup or joinLeaveGroup", target="permission")
    return permission, call.request.query.get("targetName") or None


def grant(call: Call) -> web.Response:
    """Allow a connection something; without a target for every group."""
    return _rule(call, allow=True)


def revoke(call: Call) -> web.Response:
    """Forbid a connection something, whatever its roles say; it stays a member where it is one."""
    return _rule(call, allow=False)


def _rule(call: Call, *, allow: bool) -> web.Response:
    permission, group = _permission(call)
    if call.connection is None:
        if allow:
            raise missing("Connection")
        return web.Response(status=204)
    try:
        call.connection.permissions.rule(permission, group, allow=allow)
    except permissions.TooManyRules as fault:
        raise ServiceError(409, "Error.TooManyPermissions", "The connection has too many rules.") from fault
    return web.Response(status=200 if allow else 204)


def has_permission(call: Call) -> web.Response:
    """Tell whether a connection may do something."""
    permission, group = _permission(call)
    return found(call.connection is not None and call.connection.permissions.allows(permission, group))
