"""Common questions: what many ask is offered, and nothing that tells of anybody."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.common_questions import Asked, CommonQuestion, is_plain, learn, shown_to, similarity
from shared.domain.identity import Caller, RoleChoice
from shared.domain.ids import UserId
from shared.flow import questions

CANARIES = [
    "How much does Anna Schmidt earn?",
    "how much does anna schmidt earn",
    "What is the status of Acme?",
    "what is the status of globex",
    "How is Will doing this quarter?",
    "What did Price say in the meeting?",
    "Wie hoch ist das Gehalt von Frau Müller?",
    "wie läuft es mit der initech gmbh",
    "Which deals are larger than 50000?",
    "What happened in Q3?",
    "How is deal 006-88 going?",
    "Send the summary to sam@example.com",
    "Send the report to sam at example dot com",
    "What is on https://crm.example.com/deals?",
    "Call me at +49 30 1234 about the deal",
    "Who works at Main Street twelve?",
    "What is the password hunter?",
    "Was verdient der Kollege Öztürk?",
    "How is Łukasz doing?",
    "誰が勝ちましたか",
    "x",
    "",
    "how is my pipeline " * 20,
    "Which deals are worth ½ of the pipeline?",
    "How is my pipeline\u200b\u2060?",
]
PLAIN = [
    "How is my pipeline this quarter?",
    "Which deals are most at risk?",
    "Why did we lose our last deals?",
    "Wie steht meine Pipeline in diesem Quartal?",
    "Welche Geschäfte haben wir im letzten Monat verloren?",
    "How large are our teams?",
    "What's the win rate of our team?",
    "Show me the CRM pipeline by stage",
]


def asked(text: str, person: str, role: str = "Sales", category: str = "sfdc") -> Asked:
    """A question of a person."""
    return Asked(text=text, asker=UserId(person), role=role, category=category)


def learned(all_asked: list[Asked]) -> list[CommonQuestion]:
    """Everything that was learned from these."""
    groups: dict[str, CommonQuestion] = {}
    for one in all_asked:
        group = learn(groups.values(), one)
        if group is not None:
            groups[group.group_id] = group
    return list(groups.values())


@pytest.mark.requirement("questions:private")
@pytest.mark.parametrize("text", CANARIES)
def test_no_name_number_or_address_is_learned_however_many_ask(text: str) -> None:
    """In capitals or not, in German or not, spelled out or not: it is not even kept."""
    assert learned([asked(text, f"p{number}") for number in range(9)]) == []


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_questions_can_be_learned(text: str) -> None:
    """Only ordinary words."""
    assert is_plain(text)


@pytest.mark.requirement("questions:private")
def test_what_fewer_than_three_people_ask_is_shown_to_nobody() -> None:
    """One person who asks often is one person."""
    often = [asked("How is my pipeline this quarter?", person) for person in ("a", "b") for _ in range(50)]
    three = [*often, asked("how is the pipeline this quarter", "c")]
    everybody = RoleChoice(shown="Admin", effective=("Admin",))

    assert shown_to(learned(often), everybody) == []
    assert [len(one.askers) for one in shown_to(learned(three), everybody)] == [3]


@pytest.mark.requirement("questions:private")
def test_who_asked_cannot_be_read_out_of_what_is_kept() -> None:
    """No id, and another mark of the same person in each group."""
    groups = learned([asked(text, "tenant:sam") for text in PLAIN[:2]])

    assert "sam" not in str(groups)
    assert groups[0].askers != groups[1].askers


def test_questions_are_nearly_the_same_whatever_their_endings_and_fillers() -> None:
    """And different ones are not."""
    assert similarity("How is my pipeline this quarter?", "how is our pipeline this quarter") == 1
    assert similarity("Which deals are most at risk?", "Which deal is most at risk?") == 1
    assert similarity("How do I handle a price objection?", "how do I handle price objections") == 1
    assert similarity("Which opportunity closes next?", "Which opportunities close next?") == 1
    assert similarity("Which deals are most at risk?", "Why did we lose our last deals?") < 0.5
    assert similarity("Is it?", "Is it ?") < 1 or similarity("me my", "Me, my!") == 1.0


@pytest.mark.requirement("questions:learned")
def test_a_thousand_questions_of_forty_people_give_the_expected_groups() -> None:
    """Each in its own words and order; counted are people, per role and category."""
    rng = random.Random(7)
    variants = {
        "pipeline": [
            "How is my pipeline this quarter?",
            "how is our pipeline this quarter",
            "How is the pipeline this quarter??",
        ],
        "risk": ["Which deals are most at risk?", "which deal is most at risk"],
        "losses": ["Why did we lose our last deals?", "Why did we lose the last deals"],
        "vertrieb": ["Wie steht meine Pipeline in diesem Quartal?", "wie steht unsere pipeline in diesem quartal"],
    }
    noise = [*CANARIES, "How is Acme?", "Which deals did Sue win?"]
    everything: list[Asked] = []
    people: dict[str, set[str]] = {name: set() for name in variants}
    for _ in range(1000):
        person = f"tenant:{rng.randrange(40)}"
        name = rng.choice([*variants, "noise"])
        if name == "noise":
            everything.append(asked(rng.choice(noise), person))
            continue
        people[name].add(person)
        everything.append(asked(rng.choice(variants[name]), person))

    shown = shown_to(learned(everything), RoleChoice(shown="Sales", effective=("Sales",)))

    assert len(shown) == len(variants)
    assert sorted(len(one.askers) for one in shown) == sorted(len(who) for who in people.values())
    assert all(any(one.text in texts for texts in variants.values()) for one in shown)


# --- the flow --------------------------------------------------------------------------------------------------


async def asks(room: Any, rounds: Any, text: str, tool: str | None = None) -> None:
    """Ask and be answered, with a tool or without."""
    if tool is not None:
        room.answers(tool)
        room.scripted(rounds.asks_for(tool.replace("/", "__")))
    room.scripted(rounds.says("Well."))
    await room.ask(text)
    await room.run()


async def known(room: Any) -> list[tuple[str, str, int]]:
    """What was learned: category, text, people."""
    return [(one.category, one.text, len(one.askers)) for one in await room.questions.groups()]


@pytest.mark.requirement("questions:learned")
async def test_each_answered_question_is_looked_at_once(room: Any, rounds: Any) -> None:
    """A second run finds nothing; the category is the server that answered."""
    await asks(room, rounds, "How is my pipeline this quarter?", "sfdc/pipeline")
    await asks(room, rounds, "What is important in a negotiation?")

    looked = [await questions.learn_questions(room.services, room.questions) for _ in range(2)]

    assert looked == [2, 0]
    assert sorted(await known(room)) == [
        ("general", "What is important in a negotiation?", 1),
        ("sfdc", "How is my pipeline this quarter?", 1),
    ]


async def test_a_question_that_is_not_answered_yet_waits(room: Any, rounds: Any) -> None:
    """It is looked at when its turn has ended."""
    room.scripted(rounds.says("Well."))
    await room.ask("How is my pipeline this quarter?")

    before = await questions.learn_questions(room.services, room.questions)
    await room.run()
    after = await questions.learn_questions(room.services, room.questions)

    assert (before, after) == (0, 1)


@pytest.mark.requirement("questions:private")
@pytest.mark.parametrize("server", ["hr", "gone"])
async def test_nothing_is_learned_from_a_question_that_used_hr_tools(room: Any, rounds: Any, server: str) -> None:
    """Nor from one whose server the registry no longer knows, for it may have been one."""
    await asks(room, rounds, "How large are our teams?", "sfdc/pipeline")
    ref = room.started()
    turn = await room.turn(ref)
    told = [replace(one, server=server) for one in turn.sealed.tool_feedback]
    for document in room.conversations.everything():
        if document["id"].startswith("t:"):
            document["sealed"]["tool_feedback"][0]["server"] = told[0].server

    looked = await questions.learn_questions(room.services, room.questions)

    assert looked == 1
    assert await known(room) == []


@pytest.mark.requirement("questions:learned")
async def test_people_see_the_questions_of_their_own_roles(room: Any) -> None:
    """Of one category or all, the most asked first; categories with what they are about."""
    for role, category, text, people in (
        ("Sales", "sfdc", "Which deals are most at risk?", 3),
        ("Sales", "winloss", "Why did we lose our last deals?", 5),
        ("HR", "o365", "How large are our teams?", 4),
        ("Sales", "sfdc", "Which deals are overdue?", 2),
    ):
        for group in learned([asked(text, f"p{number}", role, category) for number in range(people)]):
            await room.questions.keep(group)
    sam = room.callers["sam's token"]

    async def seen(caller: Caller, category: str | None = None) -> list[str]:
        return [one.text for one in await questions.suggestions(room.services, room.questions, caller, category, 10)]

    about = await questions.categories(room.services, room.questions, sam)
    assert await seen(sam) == ["Why did we lose our last deals?", "Which deals are most at risk?"]
    assert await seen(sam, "sfdc") == ["Which deals are most at risk?"]
    assert await seen(replace(sam, roles=())) == []
    assert len(await seen(replace(sam, roles=("Admin",)))) == 3
    assert Counter(one.category for one in about) == Counter(["sfdc", "winloss"])
    assert {one.category: one.description for one in about}["sfdc"] == "sfdc"
