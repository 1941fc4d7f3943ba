"""Take the hub's events over HTTP: the door of Flex Consumption, where the trigger is not served."""

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func

from functions import _events
from shared.bootstrap import settings

bp = df.Blueprint()


@bp.route("events", methods=["POST", "OPTIONS"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def events(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Answer an event of our Web PubSub service, or its question whether it may send any."""
    if req.method == "OPTIONS":
        return _handshake(cast("Mapping[str, str]", req.headers))
    return await _events.from_http(req, client)


def _handshake(headers: Mapping[str, str]) -> func.HttpResponse:
    """Name the one host that may send here (CloudEvents webhook specification, 4); any other is refused."""
    asking = [host.strip().lower() for host in headers.get("webhook-request-origin", "").split(",")]
    host = _service_host()
    if not host or host not in asking:
        return func.HttpResponse("This host may not send events here.", status_code=400)
    return func.HttpResponse(status_code=200, headers={"WebHook-Allowed-Origin": host})


def _service_host() -> str:
    """Name our Web PubSub service; without port, as the service itself does."""
    values = settings()
    if values.web_pubsub is None:
        return urlsplit(values.web_pubsub_endpoint or "").hostname or ""
    found = re.search(r"\bEndpoint=([^;]+)", values.web_pubsub.get_secret_value(), re.IGNORECASE)
    return (urlsplit(found[1]).hostname or "") if found is not None else ""
