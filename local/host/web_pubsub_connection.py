"""The webPubSubConnection input: a client's URL and access token, minted with the access key."""

import json

from azure.functions.meta import Datum

from local.host.app_model import BindingInfo
from local.host.binding_data import BindingData
from local.host.web_pubsub_access import connection_string, hub_of


async def bind_connection(binding: BindingInfo, data: BindingData) -> Datum:
    """Return `{"baseUrl","url","accessToken"}`; roles, groups and expiry cannot be set, as in the extension.

    Raises:
        ValueError: an expression in a property has no value.
    """
    # Imported here: it costs 0.4 s, which an app without such an input need not pay.
    from azure.messaging.webpubsubservice import WebPubSubServiceClient  # noqa: PLC0415

    hub, user_id = data.fill(hub_of(binding)), data.fill(binding.text("userId") or "")
    with WebPubSubServiceClient.from_connection_string(connection_string(binding), hub=hub) as client:
        token = client.get_client_access_token(**({"user_id": user_id} if user_id else {}))
    content = {"baseUrl": token["baseUrl"], "url": token["url"], "accessToken": token["token"]}
    return Datum(json.dumps(content), "json")
