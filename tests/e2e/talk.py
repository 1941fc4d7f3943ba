"""People in a group, for tests: they found it, join it, talk, and put together what they saw."""

from __future__ import annotations

import uuid
from typing import Any, Self

from tests.e2e.client import Chat, Frame
from tests.e2e.stack import Stack

QUESTION = "@coach how is my pipeline this quarter?"


def call(stack: Stack, method: str, path: str, *, token: str, body: object = None) -> Any:
    """Call the API and give the `data` of its answer; a refusal raises urllib's HTTPError."""
    return stack.ask(method, f"{stack.url('app')}/api/{path}", body, token=token)["data"]


def refusal(stack: Stack, method: str, path: str, *, token: str, body: object = None) -> tuple[int, str]:
    """Give status and code of a refused call."""
    status, answer = stack.call(method, f"/api/{path}", token, body)
    assert not answer["success"], answer
    return status, answer["error"]["code"]


class Talker(Chat):
    """One connection of a person, and the group that it joined."""

    group_id = ""

    @property
    def user_id(self) -> str:
        """Name the person."""
        return next(frame for frame in self.frames if frame["type"] == "session.created")["user"]["id"]

    async def enter(self, group_id: str) -> Frame:
        """Sign in if that is still to be done, and join the group."""
        if not any(frame["type"] == "session.created" for frame in self.frames):
            await self.sign_in()
        self.group_id = group_id
        request_id = str(uuid.uuid4())
        await self.send("join_group", group_id=group_id, request_id=request_id)
        return await self.reply(request_id)

    async def reply(self, request_id: str) -> Frame:
        """Wait for the direct answer to a message."""
        return await self.until(lambda frame: frame.get("request_id") == request_id, "a direct answer")

    async def say(self, content: str, **fields: Any) -> Frame:
        """Say something in the group; give the direct answer, whatever it is."""
        request_id = str(uuid.uuid4())
        wish: dict[str, Any] = {"group_id": self.group_id, "message_id": str(uuid.uuid4())} | fields
        await self.send("query", content=content, request_id=request_id, **wish)
        return await self.reply(request_id)

    async def committed(self, turn_id: str, *, bound_s: float = 30.0) -> Frame:
        """Wait until a turn has ended, and see that it ended well."""
        end = await self.end_of(turn_id, bound_s=bound_s)
        assert end["type"] == "response.committed", end
        return end

    def said(self) -> list[str]:
        """Give the messages of others in the order in which they stand in the group."""
        seen = [frame for frame in self.frames if frame["type"] == "new_message"]
        return [frame["message_id"] for frame in sorted(seen, key=lambda frame: frame["seq"])]


class Circle:
    """A group and the connections of its people; leaves nothing open."""

    def __init__(self, stack: Stack, owner: str = "sam.sales", **wish: Any) -> None:
        self.stack = stack
        self.owner = owner
        self.tokens: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.open: list[Talker] = []
        made = call(stack, "POST", "groups", token=self.token(owner), body={"title": "Renewals"} | wish)
        self.group_id: str = made["group_id"]
        self.ids[owner] = made["owner"]

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up all."""
        for talker in self.open:
            await talker.__aexit__()

    def token(self, user: str) -> str:
        """Sign a person in, once."""
        if user not in self.tokens:
            self.tokens[user] = self._sign_in(user)
        return self.tokens[user]

    def _sign_in(self, user: str) -> str:
        if "." in user:
            return self.stack.token(user)
        # People beyond the sample ones: another person in the same tenant, with Sam's roles.
        claims = {"oid": str(uuid.uuid5(uuid.NAMESPACE_URL, user)), "name": user, "preferred_username": f"{user}@x"}
        return self.stack.token("sam.sales", claims=claims)

    async def connect(self, user: str) -> Talker:
        """Open a connection of a person, who signs in by it."""
        talker = Talker(self.stack, token=self.token(user))
        await talker.__aenter__()
        self.open.append(talker)
        await talker.sign_in()
        self.ids[user] = talker.user_id
        return talker

    def let_in(self, *users: str) -> None:
        """Make people members who have signed in."""
        for user in users:
            path = f"groups/{self.group_id}/members/{self.ids[user]}"
            call(self.stack, "PUT", path, token=self.token(self.owner))

    def put_out(self, user: str) -> None:
        """Remove a member."""
        path = f"groups/{self.group_id}/members/{self.ids[user]}"
        call(self.stack, "DELETE", path, token=self.token(self.owner))

    async def join(self, user: str) -> Talker:
        """Connect a person, make them a member if they are none, and join."""
        talker = await self.connect(user)
        members = call(self.stack, "GET", f"groups/{self.group_id}", token=self.token(self.owner))["members"]
        if self.ids[user] not in {member["id"] for member in members}:
            self.let_in(user)
        joined = await talker.enter(self.group_id)
        assert joined["type"] == "group.joined", joined
        return talker

    def stored(self, user: str) -> list[dict[str, Any]]:
        """Read the group's messages as one of its members."""
        items: list[dict[str, Any]] = []
        while True:
            after = items[-1]["seq"] if items else 0
            path = f"groups/{self.group_id}/messages?after_seq={after}&limit=100"
            page = call(self.stack, "GET", path, token=self.token(user))
            items += page["items"]
            if not page["items"] or items[-1]["seq"] >= page["last_seq"]:
                return items
