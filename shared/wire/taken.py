"""Write what a person takes along: sessions with the stored messages as REST shows them."""

from typing import Any

from shared.wire.outbound import message_data, to_json


def taken_data(taken: Any) -> dict[str, Any]:
    """Write everything of a person; messages have the shape of all REST lists."""
    data: dict[str, Any] = to_json(taken)
    for written, session in zip(data["sessions"], taken.sessions, strict=True):
        written["items"] = [message_data(message) for message in session.items]
    return data
