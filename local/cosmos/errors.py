"""The one error of this server: a status, Cosmos' code word for it, a sub-status and a message."""

import json
import logging
from typing import NoReturn

LOGGER = logging.getLogger("local.cosmos")

CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    424: "FailedDependency",
    429: "TooManyRequests",
    449: "RetryWith",
    500: "InternalServerError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}

# Sub-statuses as the SDK reads them (azure.cosmos.http_constants.SubStatusCodes).
PARTITION_KEY_MISMATCH = 1001
OWNER_NOT_FOUND = 1003
COLLECTION_RID_MISMATCH = 1024
FILTER_PREDICATE_FAILED = 1110
REQUEST_RATE_TOO_LARGE = 3200


class CosmosError(Exception):
    """A refusal with its HTTP status; `headers` are added to the response."""

    def __init__(self, status: int, message: str, *, substatus: int = 0, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.substatus = substatus
        self.headers = headers or {}

    def body(self) -> bytes:
        """Return the JSON body in Cosmos' shape."""
        code = CODES.get(self.status, "Error")
        return json.dumps({"code": code, "message": self.message}).encode()


def bad_request(message: str, *, substatus: int = 0) -> CosmosError:
    """Return a 400."""
    return CosmosError(400, message, substatus=substatus)


def item_not_found() -> CosmosError:
    """Return the 404 of a missing (or expired) item."""
    return CosmosError(404, "Entity with the specified id does not exist in the system.")


def owner_not_found(what: str) -> CosmosError:
    """Return the 404 of a missing database or container."""
    return CosmosError(404, f"Owner resource does not exist: {what}.", substatus=OWNER_NOT_FOUND)


def conflict() -> CosmosError:
    """Return the 409 of an id that is taken."""
    return CosmosError(409, "Entity with the specified id already exists in the system.")


def precondition_failed() -> CosmosError:
    """Return the 412 of an ETag that is no longer the item's."""
    return CosmosError(412, "One of the specified pre-condition is not met.")


def not_served(what: str) -> CosmosError:
    """Return the 501 that names `what` this server does not know, and log it."""
    LOGGER.warning("refused with 501: %s", what)
    return CosmosError(501, f"The local Cosmos DB does not serve {what}.")


def refuse(what: str) -> NoReturn:
    """Raise the 501 that names `what`."""
    raise not_served(what)
