"""The durableClient input: where a function finds the durable engine, as JSON text."""

import json

from azure.functions.meta import Datum

from local.host.app_model import BindingInfo
from local.host.binding_data import BindingData

PUBLIC_PREFIX = "/runtime/webhooks/durabletask"
RPC_PREFIX = "/durabletask"
_INSTANCE = "INSTANCEID"
_ACTIONS = {
    "statusQueryGetUri": "",
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate",
    "rewindPostUri": "/rewind",
    "purgeHistoryDeleteUri": "",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend",
    "resumePostUri": "/resume",
}


class DurableClientInput:
    """Describe the engine of this host to functions."""

    def __init__(self, *, base_url: str, rpc_url: str, hub_name: str, system_key: str) -> None:
        self._base = f"{base_url}{PUBLIC_PREFIX}"
        self._rpc = f"{rpc_url}{RPC_PREFIX}/"
        self._hub = hub_name
        self._key = system_key

    async def bind(self, binding: BindingInfo, data: BindingData) -> Datum:
        """Return the binding's JSON; `connectionName` is passed on, the engine has one store only."""
        hub = data.fill(binding.text("taskHub") or self._hub)
        connection = binding.text("connectionName")
        needed = f"code={self._key}"
        query = f"taskHub={hub}&connection={connection or 'Storage'}&{needed}"
        instance = f"{self._base}/instances/{_INSTANCE}"
        create = f"{self._base}/orchestrators/{{functionName}}[/{{instanceId}}]?{needed}"
        management = {name: f"{instance}{path}?{_reason(name)}{query}" for name, path in _ACTIONS.items()}
        content = {
            "taskHubName": hub,
            **({"connectionName": connection} if connection else {}),
            "creationUrls": {
                "createNewInstancePostUri": create,
                "createAndWaitOnNewInstancePostUri": f"{create}&timeout={{timeoutInSeconds}}"
                "&pollingInterval={intervalInSeconds}",
            },
            "managementUrls": {"id": _INSTANCE, **management},
            "baseUrl": self._base,
            "requiredQueryStringParameters": needed,
            "rpcBaseUrl": self._rpc,
        }
        return Datum(json.dumps(content), "string")


def _reason(name: str) -> str:
    takes_reason = {"terminatePostUri", "rewindPostUri", "suspendPostUri", "resumePostUri"}
    return "reason={text}&" if name in takes_reason else ""
