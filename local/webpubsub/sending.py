"""The REST operations that send."""

import asyncio

from aiohttp import web

from local.webpubsub.calls import Call
from local.webpubsub.errors import ServiceError, bad_request
from local.webpubsub.frames import MAX_TTL_S
from local.webpubsub.hubs import publish
from local.webpubsub.messages import CONTENT_TYPES, DataType, Message, loads

METADATA_PREFIX = "x-webpubsub-metadata-"
DATA_TYPES = {content_type: data_type for data_type, content_type in CONTENT_TYPES.items()}


async def _message(call: Call, group: str | None = None) -> Message:
    """Read the body as a message.

    Raises ServiceError.
    """
    request = call.request
    ttl = call.number("messageTtlSeconds", 0, MAX_TTL_S)
    metadata = {
        name.lower().removeprefix(METADATA_PREFIX): value
        for name, value in request.headers.items()
        if name.lower().startswith(METADATA_PREFIX)
    }
    if not all(value.isascii() for value in metadata.values()):
        raise bad_request("metadata must be ASCII", target="metadata")
    data_type, payload = _payload(request, await call.body())
    return Message(
        data_type,
        payload,
        group=group,
        metadata=metadata,
        expires_at=asyncio.get_running_loop().time() + ttl if ttl else None,
    )


def _payload(request: web.Request, body: bytes) -> tuple[DataType, str | bytes]:
    media_type = request.headers.get("Content-Type", "application/octet-stream").split(";")[0].strip().lower()
    data_type = DATA_TYPES.get(media_type)
    if data_type is None:
        raise ServiceError(415, "Error.UnsupportedMediaType", f"{media_type} is not one of {', '.join(DATA_TYPES)}.")
    if data_type is DataType.BINARY:
        return data_type, body
    try:
        text = body.decode()
        if data_type is DataType.JSON:
            loads(text)
    except ValueError as error:
        raise bad_request(f"the body is not {media_type} in UTF-8") from error
    return data_type, text


async def send_to_all(call: Call) -> web.Response:
    """Send to every connection of the hub."""
    only = call.only
    message = await _message(call)
    publish(call.hub.connections.values(), message, excluded=call.excluded, only=only)
    return web.Response(status=202)


async def send_to_group(call: Call) -> web.Response:
    """Send to the members of a group."""
    only = call.only
    message = await _message(call, call.group)
    publish(call.hub.of_group(call.group), message, excluded=call.excluded, only=only)
    return web.Response(status=202)


async def send_to_user(call: Call) -> web.Response:
    """Send to every connection of a user; a user who is away is no error."""
    only = call.only
    message = await _message(call)
    publish(call.hub.of_user(call.named("user")), message, only=only)
    return web.Response(status=202)


async def send_to_connection(call: Call) -> web.Response:
    """Send to one connection; one that is gone is no error."""
    message = await _message(call)
    publish([call.connection] if call.connection else [], message)
    return web.Response(status=202)
