"""The table of the SDK's errors is complete, and says what it should."""

import inspect
from types import ModuleType

import pytest
from azure.core import exceptions as core
from azure.cosmos import exceptions as cosmos

from shared.adapters.cosmos.errors import UNAVAILABLE, UNAVAILABLE_STATUSES, means_unavailable, translated
from shared.domain.errors import StoreUnavailable


def public_errors(module: ModuleType) -> set[type[Exception]]:
    """List the errors that a module of the SDK may raise."""
    found = (value for _, value in inspect.getmembers(module, inspect.isclass))
    return {kind for kind in found if issubclass(kind, core.AzureError)}


@pytest.mark.parametrize("module", [core, cosmos])
def test_every_error_of_the_sdk_is_in_the_table(module: ModuleType) -> None:
    """A new version cannot bring an error that nobody thought of."""
    assert public_errors(module) - UNAVAILABLE.keys() == set()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 410, 412, 413, 424, 429, 449, 500, 502, 503, 504])
def test_the_status_decides_for_answers_of_the_server(status: int) -> None:
    """Singly and in a batch alike."""
    single = cosmos.CosmosHttpResponseError(status_code=status, message="m")
    batched = cosmos.CosmosBatchOperationError(error_index=0, headers={}, status_code=status, message="m")

    assert means_unavailable(single) is (status in UNAVAILABLE_STATUSES)
    assert means_unavailable(batched) is (status in UNAVAILABLE_STATUSES)


def test_an_unknown_subclass_is_judged_by_what_it_derives_from() -> None:
    """The most specific entry of the table counts."""

    class NewTimeout(core.ServiceResponseTimeoutError):
        pass

    assert means_unavailable(NewTimeout("late"))
    assert not means_unavailable(KeyError("no error of the SDK"))


def test_the_wish_of_a_throttling_batch_is_passed_on() -> None:
    """Whoever waits knows how long."""
    throttled = cosmos.CosmosBatchOperationError(
        error_index=1, headers={"x-ms-retry-after-ms": "1500"}, status_code=429, message="m"
    )

    with pytest.raises(StoreUnavailable) as fault, translated("batch"):
        raise throttled

    assert fault.value.retry_after_s == 1.5
    assert fault.value.__cause__ is throttled
    assert str(fault.value) == "batch: 429"


@pytest.mark.parametrize(
    "fault",
    [
        cosmos.CosmosHttpResponseError(status_code=403, message="m"),
        core.ClientAuthenticationError("m"),
        ValueError("m"),
    ],
)
def test_faults_pass_unchanged(fault: Exception) -> None:
    """What waiting does not heal is not called unavailable."""
    with pytest.raises(type(fault)) as raised, translated("read"):
        raise fault

    assert raised.value is fault
