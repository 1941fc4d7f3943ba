"""The webhook trusts the callers that the app's Web PubSub connections name."""

import hashlib
import hmac

import pytest

from local.host.app_model import BindingInfo, IndexingFailed
from local.host.settings_file import BadSettings
from local.host.web_pubsub_access import Validator, validator_of
from local.host.web_pubsub_trigger import WebPubSubTrigger

from .conftest import ACCESS_KEY, function_of

_DEFAULT = "WebPubSubConnectionString"


def _trigger(**raw: object) -> BindingInfo:
    names = {"hub": "chat", "eventType": "user", "eventName": "query"}
    return BindingInfo(name="request", type="webPubSubTrigger", direction="IN", data_type=None, raw={**names, **raw})


def _signature(key: str) -> str:
    return "sha256=" + hmac.new(key.encode(), b"c1", hashlib.sha256).hexdigest()


def _passes(validator: Validator, origin: str, key: str) -> bool:
    return validator.allows_signature(origin, _signature(key), "c1")


def test_without_a_connection_every_caller_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the extension, when no setting names a service."""
    monkeypatch.delenv(_DEFAULT, raising=False)

    validator = validator_of(_trigger())

    assert validator.allows_host(["anywhere"])
    assert validator.allows_signature("anywhere", None, "c1")


def test_the_signature_is_checked_with_the_key_of_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several connections, each host has its own key."""
    monkeypatch.setenv("A", f"Endpoint=http://a.local:1;AccessKey={ACCESS_KEY};Version=1.0;")
    monkeypatch.setenv("B", "Endpoint=http://b.local;AccessKey=other;")

    validator = validator_of(_trigger(connections=["A", "B"]))

    assert [_passes(validator, host, ACCESS_KEY) for host in ("a.local", "b.local", "a.local:1", "c.local")] == [
        True,
        False,
        False,
        False,
    ]
    assert _passes(validator, "c.local,b.local", "other")


def test_an_identity_connection_names_the_host_and_checks_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app itself must prove the caller then."""
    monkeypatch.delenv(_DEFAULT, raising=False)
    monkeypatch.setenv(f"{_DEFAULT}__serviceUri", "https://a.local")

    validator = validator_of(_trigger())

    assert validator.allows_signature("a.local", None, "c1")
    assert not validator.allows_signature("b.local", None, "c1")


@pytest.mark.parametrize(
    ("value", "connections", "words"),
    [
        ("Endpoint=http://a;AccessKey=k;", ["A", "A"], "An item with the same key has already been added. Key: a"),
        ("nonsense", ["A"], "setting 'A' is no Web PubSub connection string"),
        ("", ["A"], "Web PubSub connection 'A' is not set"),
    ],
)
def test_faulty_connections_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, value: str, connections: list[str], words: str
) -> None:
    """When the host starts, not when the first event comes."""
    monkeypatch.setenv("A", value)

    with pytest.raises(BadSettings) as refused:
        validator_of(_trigger(connections=connections))

    assert str(refused.value) == words


def test_two_functions_for_one_event_are_refused() -> None:
    """Names are compared without case; the words are the extension's."""
    functions = [function_of(trigger=_trigger()), function_of(trigger=_trigger(eventName="Query"))]

    with pytest.raises(IndexingFailed, match="Duplicated binding attribute find: chat,user,query"):
        WebPubSubTrigger(functions, invocations=None)  # type: ignore[arg-type]
