"""Damaged requests at every route and event: nothing crashes, nothing is an internal error, nobody else is touched.

`FAULTS_SIZE=50` sends 2,000 to each, `FAULTS_SEED` says which; without them a sample is sent, another one each day.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.security.deployment import Deployment, Json, Person
from tests.security.mutations import Mutator, Request
from tests.security.raw_http import Answer
from tests.security.test_authorisation_table import MESSAGES, TABLE, belongs_to
from tests.security.world import World, people, world

EVENTS = ("connect", "connected", "disconnected", "auth", *(f"message {type_}" for type_ in MESSAGES))
NOT_HERE = {"POST /api/events", "OPTIONS /api/events"}
"""They have tests of their own, by event."""
Make = Callable[[World, Person, str], Request]


def of_route(route: str) -> Make:
    """Call a route with all that it takes, on Sam's things, as Sue."""
    method, row = route.partition(" ")[0], TABLE[route]
    # One id, so that what is accepted once is a repetition afterwards.
    once = {"message_id": str(uuid.uuid4())} if route.endswith("/messages") else {}
    body = b"" if row.body is None else json.dumps(row.body | once).encode()

    def make(place: World, attacker: Person, own_session: str) -> Request:
        path = place.path(route)
        if route == "POST /api/sessions/{id}/messages":
            path = path.replace(place.session, own_session)
        headers = {"Authorization": f"Bearer {attacker.token}", "Content-Type": "application/json"}
        return Request(method=method, path=path, query={}, headers=headers, body=body)

    return make


def of_event(event: str, deployment: Deployment) -> Make:
    """Send an event of Sue's connection that names Sam's things."""
    name, _, type_ = event.partition(" ")
    kind = "sys" if name in ("connect", "connected", "disconnected") else "user"
    message_id = str(uuid.uuid4())

    def make(place: World, attacker: Person, own_session: str) -> Request:
        said: Json = {"headers": {"Origin": ["https://evil.example"]}, "claims": {}} if kind == "sys" else {}
        if name == "auth":
            said = {"accessToken": attacker.token}
        if type_:
            fields = json.dumps(MESSAGES[type_][0]).replace("TOKEN", attacker.token).replace("SESSION", place.session)
            fields = fields.replace("GROUP", place.group).replace("TURN", place.turn).replace("ANSWER", place.answer)
            said = {"type": type_, **json.loads(fields)}
            if type_ == "query":
                said |= {"session_id": own_session, "message_id": message_id}
        state = {"session": own_session, "opened": "yes", "groups": place.group, "typed": "0"}
        headers = {
            "ce-specversion": "1.0", "ce-type": f"azure.webpubsub.{kind}.{name}", "ce-hub": "salescoach", "ce-id": "1",
            "ce-time": datetime.now(UTC).isoformat(timespec="seconds"), "ce-connectionId": attacker.connection,
            "ce-userId": attacker.user_id, "ce-eventName": name, "content-type": "application/json",
            "ce-connectionState": base64.b64encode(json.dumps(state).encode()).decode(),
            "Authorization": f"Bearer {deployment.service_token}",
        }  # fmt: skip
        return Request(method="POST", path="/api/events", query={}, headers=headers, body=json.dumps(said).encode())

    return make


_worlds: dict[int, World] = {}


async def known_world(deployment: Deployment) -> World:
    """Make one world for all these tests: that none of them changes it is what they claim."""
    if deployment.stack.base not in _worlds:
        _worlds[deployment.stack.base] = await world(deployment, await people(deployment))
    return _worlds[deployment.stack.base]


@pytest.mark.requirement("edge:mutated-inputs")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("entrance", [*(route for route in TABLE if route not in NOT_HERE), *EVENTS])
async def test_damaged_requests_are_answered_and_touch_nobody_else(
    deployment: Deployment, entrance: str, volume: int, first_seed: int
) -> None:
    """Each is answered, none with 5xx or `internal`; nothing of Sam's changes by what Sue sends."""
    place, own_session = await known_world(deployment), str(uuid.uuid4())
    sam, attacker = place.people["sam"], deployment.person("sue.sales")
    await deployment.sign_in(attacker, own_session)
    make = of_route(entrance) if entrance in TABLE else of_event(entrance, deployment)
    foreign = (place.session, place.group, place.turn, place.question, place.answer, sam.user_id)
    mutator = Mutator(first_seed, foreign)
    before = belongs_to(await deployment.documents(), sam.user_id)
    running = deployment.stack.pid("host")
    seen: Counter[int] = Counter()

    async def send(request: Request) -> tuple[Request, Answer]:
        sent = [(name, value.encode("latin-1")) for name, value in request.headers.items()]
        return request, await deployment.lines.send(request.method, request.target, sent, request.body)

    for begin in range(0, volume, 200):
        damaged = [mutator.damaged(make(place, attacker, own_session)) for _ in range(min(200, volume - begin))]
        for request, answer in await asyncio.gather(*(send(one) for one in damaged)):
            seen[answer.status] += 1
            # Readiness tells of what is missing by 503; a path may lead there.
            assert answer.status < 500 or request.path.endswith("/ready"), (request, answer)
            assert answer.code != "internal", (request, answer)

    after = belongs_to(await deployment.documents(), sam.user_id)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()
    assert deployment.stack.pid("host") == running
    assert sum(seen.values()) == volume
