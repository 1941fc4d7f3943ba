"""Limits: each one is a setting (docs/protocol.md, rule 14)."""

from __future__ import annotations

import dataclasses

import pytest

from shared.domain.allowance import PersonLimits
from shared.domain.conversation import Queue
from shared.domain.turn_events import TurnLimits
from shared.settings import Settings
from tests.unit.functions.test_door import ENVIRONMENT

OTHERS = {
    "MESSAGES_PER_MINUTE": 7,
    "RUNNING_TURNS_PER_USER": 3,
    "CONNECTIONS_PER_USER": 4,
    "TOKENS_PER_DAY": 1_234,
    "QUEUE_POLICY": "reject",
    "WAITING_TURNS_PER_CONVERSATION": 5,
    "MODEL_ROUNDS_PER_TURN": 6,
    "TOOL_CALLS_PER_TURN": 9,
    "TURN_TIMEOUT_S": 111,
    "MODEL_CALL_TIMEOUT_S": 12,
    "MODEL_SILENCE_S": 13,
    "TOOL_TIMEOUT_S": 14,
    "APPROVAL_TIMEOUT_S": 15,
    "GROUP_APPROVAL_TIMEOUT_S": 16,
}


def given(monkeypatch: pytest.MonkeyPatch, **more: object) -> Settings:
    """Read an environment."""
    for name, value in {**ENVIRONMENT, **more}.items():
        monkeypatch.setenv(name, str(value))
    return Settings()  # pyright: ignore[reportCallIssue]  # the values come from the environment


@pytest.mark.requirement("settings:limits")
def test_without_settings_the_limits_are_those_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code's own defaults and the settings' are the same."""
    settings = given(monkeypatch)

    assert settings.person_limits() == PersonLimits()
    assert settings.turn_limits() == TurnLimits()
    assert settings.queue() == Queue()
    assert settings.model_silence_s == 20


@pytest.mark.requirement("settings:limits")
def test_each_limit_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """To another value, which the flow is given."""
    settings = given(monkeypatch, **OTHERS)

    limits = (settings.person_limits(), settings.turn_limits(), settings.queue())
    values = [value for part in limits for value in dataclasses.asdict(part).values()]
    assert [name for name, value in OTHERS.items() if value not in [*values, settings.model_silence_s]] == []
