"""What clients may say, and how everything else is refused."""

import json
import random
import time
from typing import Any

import pytest

from shared.wire.inbound import Feedback, Ping, Query, SendMessage, SessionUpdate, Unreadable, parse

ID = "00000000-0000-4000-8000-000000000000"


def refusal(text: str) -> Unreadable:
    """Parse what must be refused."""
    with pytest.raises(Unreadable) as caught:
        parse(text)
    return caught.value


def test_the_predecessors_messages_are_read() -> None:
    """`email_id` and `powerbiToken` are accepted and not even read."""
    update = parse('{"type":"session.update","accessToken":"x","email_id":"a@b.c","powerbiToken":"y","role":"HR"}')
    query = parse('{"type":"query","content":"hi","email":"a@b.c","sender":{"id":1}}')

    assert isinstance(update, SessionUpdate)
    assert "email_id" not in update.model_dump()
    assert isinstance(query, Query)


def test_legacy_names_are_understood() -> None:
    """`send_message` has the fields of a `query`; the event `auth` is a `session.update` without a type."""
    assert isinstance(parse('{"type":"send_message","content":"hi"}'), SendMessage)
    assert isinstance(parse('{"accessToken":"x"}', event="auth"), SessionUpdate)


DEEP = '{"type":"ping","x":' + "[" * 17 + "]" * 17 + "}"
BAD: dict[str, tuple[str, str, str]] = {
    "not JSON": ("{", "bad_request", "unknown"),
    "no object": ("[1]", "bad_request", "unknown"),
    "a bare word": ("hello", "bad_request", "unknown"),
    "empty": ("", "bad_request", "unknown"),
    "duplicate keys": ('{"type":"ping","type":"query"}', "bad_request", "unknown"),
    "NaN": ('{"type":"ping","x":NaN}', "bad_request", "unknown"),
    "nested too deeply": (DEEP, "bad_request", "unknown"),
    "nested endlessly": ("[" * 100_000, "bad_request", "unknown"),
    "half a surrogate pair": ('{"type":"query","content":"\\ud800"}', "bad_request", "unknown"),
    "a huge integer": ('{"type":"ping","x":' + "9" * 5000 + "}", "bad_request", "unknown"),
    "unknown type": ('{"type":"shout"}', "bad_request", "shout"),
    "no type": ('{"content":"hi"}', "bad_request", "unknown"),
    "a type that is no text": ('{"type":7}', "bad_request", "unknown"),
    "a field of the wrong type": ('{"type":"query","content":7}', "bad_request", "query"),
    "a session_id that is no UUID": ('{"type":"query","content":"x","session_id":"abc"}', "bad_request", "query"),
    "a token that is no text": ('{"type":"session.update","accessToken":5}', "bad_request", "session.update"),
    "no token": ('{"type":"session.update"}', "bad_request", "session.update"),
    "approved that is no boolean": (
        '{"type":"tool.approval","turn_id":"t","call_id":"c","approved":"yes"}',
        "bad_request",
        "tool.approval",
    ),
    "a negative offset": (
        '{"type":"turn.resume","turn_id":"t","conversation_id":"c","offset":-1}',
        "bad_request",
        "turn.resume",
    ),
    "40 KiB of content": (json.dumps({"type": "query", "content": "x" * 40 * 1024}), "too_large", "query"),
    "over 256 KiB": (json.dumps({"type": "ping", "x": "x" * 256 * 1024}), "too_large", "unknown"),
}


@pytest.mark.requirement("query:bad-input")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_the_documented_code(case: str) -> None:
    """Rule 1, one line each."""
    text, code, in_reply_to = BAD[case]

    refused = refusal(text)

    assert (refused.code.value, refused.in_reply_to) == (code, in_reply_to)


def test_a_refusal_repeats_the_request_id_and_no_value() -> None:
    """The direct answer can be matched, and content never comes back in an error."""
    refused = refusal('{"type":"query","content":7,"session_id":"secret words","request_id":"r1"}')

    assert refused.request_id == "r1"
    assert "secret" not in refused.message


def test_a_refusal_names_the_message_and_the_turn_that_it_is_about() -> None:
    """A client that sends several at once knows which one was refused; what is no id is not repeated."""
    long = refusal(json.dumps({"type": "query", "content": "x" * 40 * 1024, "message_id": ID}))
    vague = refusal(json.dumps({"type": "query.cancel", "turn_id": "secret words", "message_id": "secret words"}))
    named = refusal(json.dumps({"type": "tool.approval", "turn_id": "s-1.2", "approved": "yes"}))

    assert (long.message_id, long.turn_id) == (ID, None)
    assert (vague.message_id, vague.turn_id) == (None, None)
    assert named.turn_id == "s-1.2"


def test_brackets_inside_strings_do_not_count_as_nesting() -> None:
    """Depth is measured outside of strings."""
    assert isinstance(parse(json.dumps({"type": "ping", "x": '[[[[[[[[[[[[[[[[[[[[ \\" {{{{'})), Ping)


SLOW = {
    "quotes behind backslashes": '"' + '\\"' * 50_000,
    "quotes": '"' * 100_000,
    "backslashes": '{"a":"' + "\\" * 100_000,
    "brackets": "[]" * 50_000,
    "open brackets": "[" * 100_000,
    "half pairs": '{"a":"' + "\\ud800" * 16_000 + '"}',
    "marks": json.dumps({"type": "query", "content": "a" + "\u0316\u0301" * 8_000}),
    "a title of marks": json.dumps({"type": "query", "content": "\u0301" * 16_000}, ensure_ascii=False),
}


@pytest.mark.requirement("query:linear")
@pytest.mark.parametrize("case", SLOW)
def test_no_hundred_kilobytes_take_long_to_refuse(case: str) -> None:
    """Reading costs time in proportion to the length, whatever it holds."""
    began = time.process_time()

    refusal(SLOW[case])

    assert time.process_time() - began < 0.25


@pytest.mark.requirement("query:bad-input")
def test_what_looks_alike_is_stored_alike() -> None:
    """NFC, in questions and comments; heaps of marks on one character are refused."""
    said = parse(json.dumps({"type": "query", "content": "Cafe\u0301 \u212b"}))
    thumb = {"type": "feedback", "message_id": ID, "conversation_id": ID, "rating": "up", "comment": "e\u0301"}
    rated = parse(json.dumps(thumb))

    assert isinstance(said, Query)
    assert said.content == "Caf\u00e9 \u00c5"
    assert isinstance(rated, Feedback)
    assert rated.comment == "\u00e9"
    assert parse(json.dumps({"type": "query", "content": "a" + "\u0301" * 30}))
    assert refusal(json.dumps({"type": "query", "content": "a" + "\u0301" * 31})).code.value == "bad_request"


def test_content_that_grows_beyond_its_bound_is_too_large() -> None:
    """One character of three bytes may become three of them."""
    assert refusal(json.dumps({"type": "query", "content": "\ufb2c" * 10_000})).code.value == "too_large"
    assert refusal(json.dumps({"type": "query", "content": "\u00e9" * 20_000})).code.value == "too_large"


def test_what_is_no_text_is_refused() -> None:
    """A binary frame, or bytes that are not UTF-8."""
    with pytest.raises(Unreadable) as refused:
        parse(None)

    assert (refused.value.code.value, refused.value.in_reply_to) == ("bad_request", "unknown")


def test_whole_surrogate_pairs_are_fine() -> None:
    """An escaped emoji is one character."""
    said = parse('{"type":"query","content":"\\ud83d\\ude00"}')

    assert isinstance(said, Query)
    assert said.content == "😀"


def mutated(rng: random.Random, base: dict[str, Any]) -> str:
    """A message, damaged somewhere."""
    text = list(json.dumps(base))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(text))
        text[at] = rng.choice(['"', "{", "}", "[", "\\", "\x00", "9", "é", "\ud800", "", "null", ":", ","])
    return "".join(text)


def test_two_thousand_damaged_messages_are_read_or_refused() -> None:
    """No other exception than the refusal."""
    rng = random.Random(7)
    base = {"type": "query", "content": "How is it?", "message_id": "00000000-0000-4000-8000-000000000000"}
    for _ in range(2000):
        text = mutated(rng, base)
        try:
            parse(text)
        except Unreadable as refused:
            assert refused.code.value in ("bad_request", "too_large")  # noqa: PT017  # either outcome is right
