"""What a client knows of a group by what it was told; the Python twin of `web/src/room.js`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Told = Mapping[str, Any]
Known = dict[str, Any]

RULES = ("title", "role", "owner", "policy", "history", "audience", "revision")


def rules(told: Told) -> Known:
    """Give title, rules and owner of what REST or a frame says of a group, in the words of the frames."""
    return {name: told.get(name, told.get("reply_policy") if name == "policy" else None) for name in RULES}


def apply(known: Known, told: Told) -> Known:
    """Take in one frame of this group, or what REST said of it (as `@group`); an older state changes nothing."""
    match told["type"]:
        case "group.joined" | "@group":
            members = [{"id": member["id"], "name": member["name"]} for member in told["members"]]
            return known if _is_older(told, known) else {**known, **rules(told), "members": members}
        case "group.changed":
            return known if _is_older(told, known) else {**known, **rules(told)}
        case "member.joined":
            return {**known, "members": [*_others(known, told), told["user"]]}
        case "member.left":
            return {**known, "members": _others(known, told)}
        case _:
            return known


def _is_older(told: Told, known: Known) -> bool:
    return told.get("revision", -1) < known.get("revision", -1)


def _others(known: Known, told: Told) -> list[Any]:
    return [member for member in known.get("members", []) if member["id"] != told["user"]["id"]]
