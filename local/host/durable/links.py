"""Management links of an instance, as the answer to a start carries them."""

from urllib.parse import quote_plus

from yarl import URL

WEBHOOK_PATH = "/runtime/webhooks/durabletask"


def management_links(request_url: URL, *, instance_id: str, hub_name: str) -> dict[str, str]:
    """Build the links of the 202 answer; they point to the webhook path on the origin that was called."""
    prefix = f"{request_url.origin()}{WEBHOOK_PATH}/instances/{quote_plus(instance_id)}"
    query = f"taskHub={quote_plus(hub_name)}&connection=Storage"
    code = request_url.query.get("code")
    if code is not None:
        query += f"&code={quote_plus(code)}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{prefix}?{query}",
        "sendEventPostUri": f"{prefix}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{prefix}/terminate?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{prefix}?{query}",
        "restartPostUri": f"{prefix}/restart?{query}",
        "suspendPostUri": f"{prefix}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{prefix}/resume?reason={{text}}&{query}",
    }
