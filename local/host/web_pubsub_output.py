"""The webPubSub output: each action becomes one REST call, in order."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from local.host.app_model import BindingInfo
from local.host.binding_data import BindingData
from local.host.json_items import items_of
from local.host.web_pubsub_access import connection_string, hub_of
from local.host.web_pubsub_response import message_bytes

# Azure.Core for .NET retries three times; the Python default is ten.
_RETRIES = 3
_CONTENT_TYPES = {"text": "text/plain", "json": "application/json", "binary": "application/octet-stream"}

Action = dict[str, Any]
Send = Callable[[Any, Action], Awaitable[Any]]


class WebPubSubOutput:
    """Run actions with one client per connection and hub."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}

    async def apply(self, binding: BindingInfo, value: Any, data: BindingData) -> None:
        """Send every action of a value, one after the other.

        Raises:
            ValueError: an action is not one that the extension knows, or lacks a property.
            HttpResponseError: the service refused it.
        """
        client = self._client(connection_string(binding), data.fill(hub_of(binding)))
        for item in items_of(value):
            action: Action = {str(name): field for name, field in item.items()}
            name = str(action.get("actionName", "")).lower()
            send = _ACTIONS.get(name)
            if send is None:
                msg = f"Not supported WebPubSubOperation: {action.get('actionName')}."
                raise ValueError(msg)
            await send(client, action)

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.close()

    def _client(self, connection: str, hub: str) -> Any:
        known = self._clients.get((connection, hub))
        if known is None:
            # Imported here: it costs 0.4 s, which an app without such an output need not pay.
            from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient  # noqa: PLC0415

            known = WebPubSubServiceClient.from_connection_string(connection, hub, retry_total=_RETRIES)
            self._clients[connection, hub] = known
        return known


def _text(action: Action, key: str) -> str:
    value = action.get(key)
    if not isinstance(value, str) or not value:
        msg = f"{action['actionName']} needs '{key}'"
        raise ValueError(msg)
    return value


def _message(action: Action) -> dict[str, Any]:
    """Return the message and its content type.

    The Python client writes application/json from a value, the .NET one sends the text as it is; the
    text is therefore parsed first.
    """
    data_type = str(action.get("dataType") or "text").lower()
    content_type = _CONTENT_TYPES.get(data_type)
    if content_type is None:
        msg = f"'{data_type}' is no dataType; known are {', '.join(_CONTENT_TYPES)}"
        raise ValueError(msg)
    if action.get("data") is None:
        msg = f"{action['actionName']} needs 'data'"
        raise ValueError(msg)
    content = message_bytes(action["data"])
    return {
        "message": json.loads(content) if data_type == "json" else content,
        "content_type": content_type,
    }


def _excluded(action: Action) -> list[str] | None:
    value = action.get("excluded")
    return [str(item) for item in value] if value else None


def _permission(action: Action) -> dict[str, Any]:
    name = re.sub(r"^webpubsub\.", "", _text(action, "permission"), flags=re.IGNORECASE)
    known = {"sendtogroup": "sendToGroup", "joinleavegroup": "joinLeaveGroup"}.get(name.lower())
    if known is None:
        msg = f"'{name}' is no permission"
        raise ValueError(msg)
    target = action.get("targetName")
    return {
        "permission": known,
        "connection_id": _text(action, "connectionId"),
        **({"target_name": str(target)} if target else {}),
    }


_ACTIONS: dict[str, Send] = {
    "sendtoall": lambda c, a: c.send_to_all(**_message(a), excluded=_excluded(a)),
    "sendtogroup": lambda c, a: c.send_to_group(_text(a, "group"), **_message(a), excluded=_excluded(a)),
    "sendtouser": lambda c, a: c.send_to_user(_text(a, "userId"), **_message(a)),
    "sendtoconnection": lambda c, a: c.send_to_connection(_text(a, "connectionId"), **_message(a)),
    "addusertogroup": lambda c, a: c.add_user_to_group(_text(a, "group"), _text(a, "userId")),
    "removeuserfromgroup": lambda c, a: c.remove_user_from_group(_text(a, "group"), _text(a, "userId")),
    "removeuserfromallgroups": lambda c, a: c.remove_user_from_all_groups(_text(a, "userId")),
    "addconnectiontogroup": lambda c, a: c.add_connection_to_group(_text(a, "group"), _text(a, "connectionId")),
    "removeconnectionfromgroup": lambda c, a: c.remove_connection_from_group(
        _text(a, "group"), _text(a, "connectionId")
    ),
    "closeallconnections": lambda c, a: c.close_all_connections(excluded=_excluded(a), reason=a.get("reason")),
    "closeclientconnection": lambda c, a: c.close_connection(_text(a, "connectionId"), reason=a.get("reason")),
    "closegroupconnections": lambda c, a: c.close_group_connections(
        _text(a, "group"), excluded=_excluded(a), reason=a.get("reason")
    ),
    "grantpermission": lambda c, a: c.grant_permission(**_permission(a)),
    "revokepermission": lambda c, a: c.revoke_permission(**_permission(a)),
}
