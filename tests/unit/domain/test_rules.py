"""The small rules: roles, placing, ids, text, prompt."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.conversation import Conversation, Head, Person, Placed, Question, Repeated, pass_on, place
from shared.domain.errors import ChatError
from shared.domain.ids import ConversationKey, MessageId, PublicId, UserId, key_of, session_key, text_hash, turn_id
from shared.domain.policy import choose_role, may_use, parse_roles
from shared.domain.prompt import Reader, fill, fiscal_quarter
from shared.domain.text import Coalescer, Normaliser, clean_title
from shared.domain.tools import ServerEntry

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ME = UserId("tenant:me")
CHAT = Conversation(key=session_key(ME, PublicId("s")), public_id=PublicId("s"), kind="session", owner=ME)


def question(number: int, *, text: str = "hi", with_id: bool = True) -> Question:
    """A question of mine."""
    message = MessageId(f"m{number}")
    return Question(
        conversation=CHAT,
        message_id=message,
        id_from_client=with_id,
        sender=Person(id=ME, name="Me"),
        content=text,
        text_hash=text_hash(text),
        input_type="text",
        turn_id=turn_id(CHAT.key, message),
    )


@pytest.mark.parametrize(
    ("held", "wish", "shown", "effective"),
    [
        ([], None, None, ()),
        (["Sales"], None, "Sales", ("Sales",)),
        (["Sales", "HR"], None, "HR", ("HR", "Sales")),
        (["Sales", "HR"], "Sales", "Sales", ("Sales",)),
        (["Sales", "HR"], "sales", "Sales", ("Sales",)),
        (["Sales"], "Admin", "Sales", ("Sales",)),
        (["sales", "Owner"], None, "Sales", ("Sales",)),
        (["Admin", "Sales"], "Sales", "Sales", ("Sales",)),
        (["Finance"], None, "Finance", ("Finance",)),
        (["Finance", "Sales", "HR"], None, "HR", ("HR", "Sales", "Finance")),
    ],
)
@pytest.mark.requirement("authenticate:role-from-token")
def test_the_role_is_what_the_token_holds_and_the_wish_narrows(
    held: list[str], wish: str | None, shown: str | None, effective: tuple[str, ...]
) -> None:
    """Rule 2: known roles of the token only; a wish is granted if held."""
    choice = choose_role(held, {"Finance"}, wish)

    assert (choice.shown, choice.effective) == (shown, effective)


@pytest.mark.parametrize(
    ("spec", "roles", "allowed"),
    [
        ("Admin,Sales", ["Sales"], True),
        (" admin , SALES ", ["Sales"], True),
        ("Admin,HR", ["Sales"], False),
        ("*", [], True),
        ("", ["Sales"], False),
        ("", ["Admin"], True),
        ("HR", ["Admin"], True),
    ],
)
def test_a_server_is_open_to_its_roles_only(spec: str, roles: list[str], *, allowed: bool) -> None:
    """Roles are split at commas and compared without case; empty means Admin only, `*` everyone."""
    assert may_use(parse_roles(spec), roles) is allowed


def test_the_first_question_starts_and_the_next_ones_wait_in_order() -> None:
    """One turn runs, three wait, the next is refused before acceptance."""
    head = Head(conversation=CHAT)
    for number in range(4):
        placed = place(head, question(number), NOW)
        assert isinstance(placed, Placed)
        assert placed.starts is (number == 0)
        assert placed.seq == number + 1
        head = placed.head

    with pytest.raises(ChatError) as refusal:
        place(head, question(5), NOW)

    assert refusal.value.code == "rate_limited"
    assert refusal.value.retry_after_s
    assert head.waiting == tuple(turn_id(CHAT.key, MessageId(f"m{number}")) for number in (1, 2, 3))
    assert pass_on(head).active_turn == head.waiting[0]


def test_without_an_id_the_same_text_is_a_repetition_only_while_unanswered() -> None:
    """Rule 11 for sessions."""
    placed = place(Head(conversation=CHAT), question(1, with_id=False), NOW)
    assert isinstance(placed, Placed)

    again = place(placed.head, question(2, with_id=False), NOW + timedelta(hours=1))
    other = place(placed.head, question(3, text="other", with_id=False), NOW)
    answered = place(pass_on(placed.head), question(4, with_id=False), NOW)

    assert isinstance(again, Repeated)
    assert again.message_id == "m1"
    assert isinstance(other, Placed)
    assert isinstance(answered, Placed)


def test_a_message_with_an_id_is_never_compared_by_text() -> None:
    """Two questions of the same words and other ids are two questions."""
    placed = place(Head(conversation=CHAT), question(1), NOW)
    assert isinstance(placed, Placed)

    assert isinstance(place(placed.head, question(2), NOW), Placed)


def test_a_session_id_means_another_conversation_for_another_person() -> None:
    """A foreign session id is simply a new session."""
    assert session_key(UserId("t:a"), PublicId("x")) != session_key(UserId("t:b"), PublicId("x"))


def test_a_turn_id_leads_to_its_conversation() -> None:
    """The client needs to name the turn only."""
    key = session_key(ME, PublicId("x"))

    assert key_of(turn_id(key, MessageId("m"))) == key
    assert len(turn_id(key, MessageId("m"))) < 90


@pytest.mark.parametrize("cut", range(1, 9))
def test_text_is_normalised_alike_wherever_the_stream_was_cut(cut: int) -> None:
    """CRLF, halves of surrogate pairs and control characters, cut at every place."""
    raw = "a\r\nb\ud83d\ude00\x07c\r"
    normaliser = Normaliser()

    said = normaliser.feed(raw[:cut]) + normaliser.feed(raw[cut:]) + normaliser.flush()

    assert said == "a\nb😀c\n"


def test_the_first_piece_is_sent_at_once_and_the_next_ones_gathered() -> None:
    """Decision 7: the first token is never delayed."""
    frames = Coalescer(interval_s=0.05, most_bytes=10)

    frames.add("a")
    assert frames.due_in(0.0) == 0
    assert frames.take(0.0) == "a"
    frames.add("b")
    assert frames.due_in(0.01) == pytest.approx(0.04)
    frames.add("c" * 10)
    assert frames.due_in(0.01) == 0
    assert frames.take(0.01) == "b" + "c" * 10
    assert frames.due_in(9.0) is None


def test_a_title_is_one_short_line() -> None:
    """The first question's words, cut at a word."""
    assert clean_title("How is\nmy pipeline?") == "How is my pipeline?"
    assert clean_title("word " * 30) == "word " * 11 + "word…"


@pytest.mark.parametrize(
    ("month", "start", "quarter"), [(1, 1, "FY2026 Q1"), (12, 1, "FY2026 Q4"), (7, 7, "FY2027 Q1"), (6, 7, "FY2026 Q4")]
)
def test_the_fiscal_quarter_follows_the_setting(month: int, start: int, quarter: str) -> None:
    """A fiscal year is named by the calendar year in which it ends."""
    assert fiscal_quarter(datetime(2026, month, 15, tzinfo=UTC), start) == quarter


def test_the_prompt_is_filled_and_unknown_placeholders_stay() -> None:
    """Each placeholder of docs/protocol.md."""
    server = ServerEntry(
        name="sfdc", url="http://x", roles=("Sales",), auth_enabled=True, description="Accounts\nand deals"
    )
    reader = Reader(name="Sam", role="Sales", timezone="Europe/Berlin", now=NOW, fiscal_year_start_month=1)
    text = "{{TODAY_DATE}}|{{USER_NAME}}|{{USER_ROLE}}|{{MCP_Servers_Description}}|{{USER_LOCAL_TIME}}|{{OTHER}}"

    filled = fill(text, reader, [server])

    assert filled == "2026-01-05|Sam|Sales|1. sfdc: Accounts and deals|2026-01-05T10:00+01:00|{{OTHER}}"


@pytest.mark.parametrize("timezone", ["Mars/Phobos", "Europe", "America/", "Etc", "/", "-", "leapseconds", "a" * 64])
def test_a_zone_that_nobody_knows_is_utc_and_called_so(timezone: str) -> None:
    """What a client calls its zone stops no answer, whatever the zones' database has under that name."""
    reader = Reader(name="Sam", role=None, timezone=timezone, now=NOW, fiscal_year_start_month=1)

    filled = fill("{{USER_TIMEZONE}} {{USER_LOCAL_TIME}}", reader, [])

    assert filled == "UTC 2026-01-05T09:00+00:00"


def test_a_made_up_turn_id_leads_nowhere() -> None:
    """No crash, an empty partition."""
    assert key_of(turn_id(ConversationKey(""), MessageId(""))) == ""
