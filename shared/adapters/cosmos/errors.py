"""Say once which of the SDK's errors mean that the store is unavailable; all others are faults and stay as they are."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from azure.core import exceptions as core
from azure.cosmos import exceptions as cosmos

from shared.domain.errors import StoreUnavailable

UNAVAILABLE_STATUSES = frozenset(
    {
        408,  # the server gave up waiting
        410,  # a partition moves; the SDK follows, and gives up at times
        429,  # more request units asked for than there are
        449,  # a conflicting write of the server's own
        502,  # a gateway on the way
        503,
        504,
    }
)
"""HTTP statuses after which the same request may succeed (learn.microsoft.com, Cosmos DB status codes)."""

UNAVAILABLE: dict[type[Exception], bool | None] = {
    # True: unavailable. False: a fault. None: the status decides.
    core.AzureError: False,
    core.ServiceRequestError: True,
    core.ServiceResponseError: True,
    core.ServiceRequestTimeoutError: True,
    core.ServiceResponseTimeoutError: True,
    core.IncompleteReadError: True,
    core.HttpResponseError: None,
    core.DecodeError: False,
    core.ResourceExistsError: False,
    core.ResourceNotFoundError: False,
    core.ClientAuthenticationError: False,
    core.ResourceModifiedError: False,
    core.ResourceNotModifiedError: False,
    core.TooManyRedirectsError: False,
    core.ODataV4Error: None,
    core.StreamConsumedError: False,
    core.StreamClosedError: False,
    core.ResponseNotReadError: False,
    cosmos.CosmosHttpResponseError: None,
    cosmos.CosmosResourceNotFoundError: False,
    cosmos.CosmosResourceExistsError: False,
    cosmos.CosmosAccessConditionFailedError: False,
    cosmos.CosmosBatchOperationError: None,
    cosmos.CosmosClientTimeoutError: True,
}

_RETRY_AFTER = "x-ms-retry-after-ms"


@contextmanager
def translated(operation: str) -> Generator[None, None, None]:
    """Raise StoreUnavailable for the SDK's errors that mean it; `operation` names what was tried, without content."""
    try:
        yield
    except core.AzureError as error:
        if not means_unavailable(error):
            raise
        status = getattr(error, "status_code", None) or type(error).__name__
        raise StoreUnavailable(f"{operation}: {status}", retry_after_s=retry_after_s(error)) from error


def means_unavailable(error: Exception) -> bool:
    """Tell by the most specific class in the table, and by status where that decides."""
    verdict = next((UNAVAILABLE[kind] for kind in type(error).__mro__ if kind in UNAVAILABLE), False)
    if verdict is None:
        return getattr(error, "status_code", None) in UNAVAILABLE_STATUSES
    return verdict


def retry_after_s(error: Exception) -> float | None:
    """Give the server's own wish for the next try, if it named one."""
    headers: Any = getattr(error, "headers", None) or {}
    wish = str(headers.get(_RETRY_AFTER, ""))
    return int(wish) / 1000 if wish.isdecimal() else None
