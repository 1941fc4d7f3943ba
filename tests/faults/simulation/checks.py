"""Judge a seed by its history alone: every fault is one sentence."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from shared.wire.documents import turn_from
from tests.faults.simulation.people import Person
from tests.faults.simulation.run import Ran

ENDED = ("done", "cancelled", "failed")
ENDS = {"response.committed": "done", "response.cancelled": "cancelled", "response.failed": "failed"}


def faults_of(ran: Ran) -> list[str]:
    """Name everything that must not be."""
    found = list(ran.faults)
    for person in ran.people:
        documents = ran.world.conversations.documents(person.key)
        found += _accepted(person, documents)
        found += _sequence(documents)
        found += _shown(person, documents)
        found += _order(ran, person)
    found += _answers(ran)
    found += _ends(ran)
    found += _effects(ran)
    found += [f"{name} still runs" for name, one in ran.engine.instances.items() if one.status == "running"]
    return found


def first_told(play: Callable[[int], Ran], seeds: int, words: str) -> list[str]:
    """Play seeds until faults are found that hold these words; none if none of so many does."""
    told = ([fault for fault in faults_of(play(seed)) if words in fault] for seed in range(seeds))
    return next((found for found in told if found), list[str]())


def _by_id(documents: list[Any]) -> dict[str, Any]:
    return {document["id"]: document for document in documents}


def _accepted(person: Person, documents: list[Any]) -> list[str]:
    """Accepted means: stored, and ended with a stored answer."""
    known = _by_id(documents)
    found: list[str] = []
    for message_id, turn_id in [*person.accepted.items(), *person.again.items()]:
        turn, answer = known.get(f"t:{turn_id}"), known.get(f"a:{turn_id}")
        if (f"u:{message_id}" in known) != (message_id in person.accepted) or turn is None:
            found.append(f"{message_id} was accepted and is not stored")
        elif turn["status"] not in ENDED:
            found.append(f"{turn_id} is {turn['status']} for ever")
        elif answer is None:
            found.append(f"{turn_id} ended without a stored answer")
        elif _plain(answer) != turn["sealed"]:
            found.append(f"{turn_id} stored something else than was sealed")
        elif answer["status"] == "final" and answer["content"] != turn_from(turn).finished_text():
            found.append(f"{turn_id} stored something else than was said")
    turns = [document for document in documents if document["kind"] == "turn"]
    found += [f"{turn['turn_id']} was never ended" for turn in turns if turn["status"] not in ENDED]
    return found


def _plain(answer: Any) -> Any:
    """The message inside a stored document."""
    outer = ("id", "kind", "_etag", "conversation_id", "session_id", "owner", "title", "ttl")
    inner = {name: value for name, value in answer.items() if name not in outer}
    return {"conversation_id": answer["session_id"], **inner}


def _sequence(documents: list[Any]) -> list[str]:
    """Every seq is given once and none is left out; the head knows the next one and holds nobody."""
    head = _by_id(documents).get("head")
    if head is None:
        return []
    given = sorted(document["seq"] for document in documents if document["kind"] == "message")
    found = [] if given == list(range(1, head["next_seq"])) else [f"seq {given} before {head['next_seq']}"]
    if head.get("active_turn") or head["waiting"]:
        found.append(f"the head still holds {head.get('active_turn')} and {head['waiting']}")
    return found


def _shown(person: Person, documents: list[Any]) -> list[str]:
    """What the client shows in the end is what is stored."""
    known = _by_id(documents)
    found: list[str] = []
    for turn_id in person.turns():
        answer, turn = known.get(f"a:{turn_id}"), person.screen.turns.get(turn_id)
        if answer is not None and (turn is None or turn.text != answer["content"]):
            found.append(f"{turn_id} shows {turn and turn.text!r} instead of {answer['content']!r}")
    return found


def _order(ran: Ran, person: Person) -> list[str]:
    """One turn at a time, in the order of acceptance."""
    accepted = [data[0][3].turn_id for _, what, data in ran.world.history if what == "accept" and data[2] == "accepted"]
    place = {turn_id: number for number, turn_id in enumerate(accepted)}
    found: list[str] = []
    running: str | None = None
    begun: list[int] = []
    for _, what, data in ran.world.history:
        if what == "claim" and data[2] is not None and data[0][0].key == person.key:
            turn_id = data[0][0].turn_id
            if running not in (None, turn_id):
                found.append(f"{turn_id} began while {running} ran")
            if running is None:
                begun.append(place[turn_id])
            running = turn_id
        if (
            what == "release"
            and data[2]
            and data[0][0].conversation.key == person.key
            and data[0][0].turn_id == running
        ):
            running = None
    if begun != sorted(begun):
        found.append(f"turns began in the order {begun}")
    return found


def _answers(ran: Ran) -> list[str]:
    """Every repeat of the binding writes the same bytes."""
    bound: dict[str, Any] = {}
    found: list[str] = []
    for _, what, data in ran.world.history:
        if what == "bound" and data["id"].startswith("a:") and bound.setdefault(data["id"], data) != data:
            found.append(f"{data['id']} was bound with other bytes")
    return found


def _ends(ran: Ran) -> list[str]:
    """A turn ends with one kind of frame, after what it reports is stored, and as it is stored."""
    told: dict[str, set[str]] = {}
    stored: set[str] = set()
    found: list[str] = []
    for _, what, data in ran.world.history:
        if what == "bound":
            stored.add(data["id"])
        if what == "sent" and data["type"] in ENDS:
            told.setdefault(data["turn_id"], set()).add(data["type"])
            if f"a:{data['turn_id']}" not in stored:
                found.append(f"{data['turn_id']}: {data['type']} before the answer was stored")
    found += [f"{turn_id} ended as {sorted(kinds)}" for turn_id, kinds in told.items() if len(kinds) > 1]
    return found


def _effects(ran: Ran) -> list[str]:
    """A call that is not safe to repeat takes effect at most once."""
    unsafe = Counter({key: count for key, count in ran.world.effects.items() if "/pipeline/" not in key})
    return [f"{key} took effect {count} times" for key, count in unsafe.items() if count > 1]
