"""Settings files and failure texts are read and written as the real host does."""

import json
import pathlib
from datetime import timedelta

import pytest

from local.host.failures import failure_text, sanitize
from local.host.settings_file import BadSettings, load_host_config, load_local_settings, resolve
from local.host.worker import pool_size


def test_the_environment_wins_over_the_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values fill gaps only; CORS comes as a list."""
    content = {"Values": {"SET_BEFORE": "file", "SET_HERE": "file"}, "Host": {"CORS": "http://a, http://b"}}
    (tmp_path / "local.settings.json").write_text(json.dumps(content))
    monkeypatch.setenv("SET_BEFORE", "environment")
    monkeypatch.setenv("SET_HERE", "")
    monkeypatch.delenv("SET_HERE")

    origins = load_local_settings(tmp_path)

    assert resolve("%SET_BEFORE%-%SET_HERE%") == "environment-file"
    assert origins == ["http://a", "http://b"]
    monkeypatch.setenv("SET_HERE", "")  # so that monkeypatch removes it


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "local.settings.json: "),
        ("[]", "not a JSON object"),
        ('{"IsEncrypted": true}', "encrypted"),
        ('{"Values": {"A": 1}}', "object of texts"),
    ],
)
def test_a_faulty_settings_file_is_refused(tmp_path: pathlib.Path, text: str, words: str) -> None:
    """The sentence names the file."""
    (tmp_path / "local.settings.json").write_text(text)

    with pytest.raises(BadSettings, match=words):
        load_local_settings(tmp_path)


def test_host_json_is_read_with_its_overrides(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any value can be replaced by a setting whose name is its path."""
    durable = {"hubName": "%HUB%", "maxConcurrentOrchestratorFunctions": 20}
    content = {"version": "2.0", "functionTimeout": "00:15:00", "extensions": {"durableTask": durable}}
    (tmp_path / "host.json").write_text(json.dumps(content))
    monkeypatch.setenv("HUB", "mine")
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions", "7")
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__http__routePrefix", "")

    config = load_host_config(tmp_path)

    assert (config.route_prefix, config.hub_name) == ("", "mine")
    assert config.function_timeout == timedelta(minutes=15)
    assert (config.max_concurrent_activities, config.max_concurrent_orchestrators) == (7, 20)


def test_without_host_json_the_documented_defaults_hold(tmp_path: pathlib.Path) -> None:
    """Prefix api, half an hour, the hub that local hosts use."""
    config = load_host_config(tmp_path)

    assert (config.route_prefix, config.function_timeout, config.hub_name) == (
        "api",
        timedelta(minutes=30),
        "TestHubName",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", '"version" must be "2.0"'),
        ('{"version": "2.0", "functionTimeout": "15"}', "functionTimeout"),
        ('{"version": "2.0", "extensions": []}', "extensions"),
        ('{"version": "2.0", "extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}', "positive"),
        ('{"version": "2.0", "extensions": {"durableTask": {"hubName": "%NOT_SET%"}}}', "does not resolve to a value"),
    ],
)
def test_a_faulty_host_json_is_refused(tmp_path: pathlib.Path, text: str, words: str) -> None:
    """The sentence names the value."""
    (tmp_path / "host.json").write_text(text)

    with pytest.raises(BadSettings, match=words):
        load_host_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("nothing to hide", "nothing to hide"),
        ("AccountKey=abc; more", "[Hidden Credential]"),
        ('{"url": "x?sig=abc", "kept": 1}', '{"url": "x[Hidden Credential]", "kept": 1}'),
        ("monKEY=5 'rest'", "mon[Hidden Credential]'rest'"),
        ("PublicKeyToken=abc", "PublicKeyToken=abc"),
        ("at amqp://user:word@host:5671 now", "at [Hidden Credential] now"),
    ],
)
def test_a_failures_text_loses_what_looks_like_a_secret(text: str, clean: str) -> None:
    """From the name up to a quote or bracket, innocent text included: the real host does the same."""
    assert sanitize(text) == clean


def test_a_failures_text_has_the_three_parts_that_the_durable_extension_reads() -> None:
    """Result, Exception with its type, Stack; only the message is cleaned."""
    text = failure_text(ValueError("Password=1"))

    assert text.startswith("Result: Failure\nException: ValueError: [Hidden Credential]\nStack: ")
    assert text.endswith("ValueError: Password=1\n")


@pytest.mark.parametrize("value", ["0", "1025", "many", "-1"])
def test_a_faulty_pool_size_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The sentence names the setting."""
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", value)

    with pytest.raises(ValueError, match="PYTHON_THREADPOOL_THREAD_COUNT"):
        pool_size()
