"""Decide all that one stack is made of before anything starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from local.stack import doors, environment, parts
from local.stack.opening import open_app
from local.stack.parts import Part, Wishes, url
from local.stack.places import Places
from local.stack.seed import Prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The parts of one stack, the prompts for Blob, and what opens the whole for people."""

    ports: Mapping[str, int]
    places: Places
    parts: list[Part]
    open_app: Callable[[], Awaitable[None]]
    prompts: Prompts | None = None
    servers: Mapping[str, str] = field(default_factory=dict[str, str])
    real_model: str | None = None
    door: str = doors.TRIGGER


def plan_for(ports: Mapping[str, int], places: Places, wishes: Wishes, outer: Mapping[str, str]) -> Plan:
    """Plan the stack that a person asked for, in an environment that may name a real model."""
    real_model = environment.real_model(outer, wishes.model_url)
    settings = environment.app_settings(ports, places, outer, model_url=wishes.model_url)
    settings = doors.app_settings(settings, wishes.door)
    return Plan(
        ports=ports,
        places=places,
        parts=parts.all_parts(ports, places, settings, wishes, stand_in=real_model is None),
        open_app=partial(open_app, url(ports, "app")),
        prompts=Prompts(settings, places.of("azurite") / "prompts.json"),
        servers=environment.write_servers(ports, places),
        real_model=real_model,
        door=wishes.door,
    )
