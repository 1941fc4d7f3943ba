"""A small world to attack: Sam's session, Sam's group with a member, strangers, an Admin, somebody from elsewhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tests.security.deployment import Deployment, Json, Person

PEOPLE = {
    "eve": "eve.other", "nora": "nora.none", "sue": "sue.sales", "hana": "hana.hr", "tom": "tom.both",
    "ada": "ada.admin", "sam": "sam.sales",
}  # fmt: skip
CALLERS = ("nobody", *PEOPLE)
"""In this order: who may most comes last, so that a success does not hide what the others may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What there is; everything belongs to Sam, and Tom is a member of the group."""

    people: dict[str, Person]
    session: str
    turn: str
    question: str
    answer: str
    group: str

    def path(self, route: str) -> str:
        """Fill in a route's path: what it names is Sam's; Tom is a member already, Hana may be let in."""
        inside = self.group if "/groups/" in route else self.session
        whom = self.people["hana" if route.startswith("PUT") else "tom"].user_id
        user = f"{whom.partition(':')[0]}:{uuid.uuid4()}" if "/admin/" in route else whom
        filled = route.partition(" ")[2].replace("{id}", inside).replace("{user}", user)
        return filled.replace("{server}", "sfdc").replace("{tool}", "no_such_tool")


async def people(deployment: Deployment) -> dict[str, Person]:
    """Sign everybody in, so that they are known."""
    found = {name: deployment.person(user) for name, user in PEOPLE.items()}
    for name, person in found.items():
        if name != "eve":
            await deployment.sign_in(person)
    return found


async def world(deployment: Deployment, known: dict[str, Person]) -> World:
    """Make a new one."""
    sam, session = known["sam"], str(uuid.uuid4())
    asked = await deployment.ended_question(sam, session)
    founded = await deployment.rest("POST", "/api/groups", sam.token, {"title": "Quarter"})
    assert founded.status == 201, founded
    group: Json = founded.json["data"]
    path = f"/api/groups/{group['group_id']}/members/{known['tom'].user_id}"
    added = await deployment.rest("PUT", path, sam.token)
    assert added.status == 200, added
    return World(
        people=known, session=session, turn=asked["turn_id"], question=asked["message_id"],
        answer=asked["answer_id"], group=group["group_id"],
    )  # fmt: skip
