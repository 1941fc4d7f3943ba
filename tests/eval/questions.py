"""The questions of the evaluation: who asks, which tools a good answer needs, and in which form it should come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; `tools` are those that it cannot do without, none means that none may be called."""

    text: str
    tools: tuple[str, ...] = ()
    user: str = "sam.sales"
    table: bool = False
    german: bool = False
    forbidden: tuple[str, ...] = ()


QUESTIONS = (
    Question(text="How is my pipeline this quarter?", tools=("sfdc/pipeline_summary",), table=True),
    Question(
        text="Wie sieht meine Pipeline in diesem Quartal aus?",
        tools=("sfdc/pipeline_summary",),
        table=True,
        german=True,
    ),
    Question(text="List my largest open opportunities", tools=("sfdc/list_opportunities",), table=True),
    Question(text="Which opportunities close this quarter?", tools=("sfdc/list_opportunities",), table=True),
    Question(text="Show me accounts in the healthcare industry", tools=("sfdc/search_accounts",)),
    Question(text="What is my forecast for this quarter?", tools=("sfdc/forecast",)),
    Question(text="What is my win rate this year?", tools=("winloss/win_rate",)),
    Question(text="Why do we lose deals?", tools=("winloss/win_loss_reasons",), table=True),
    Question(text="Which deals were closed last quarter?", tools=("winloss/closed_deals",), table=True),
    Question(text="What meetings do I have this week?", tools=("o365/list_meetings",)),
    Question(text="When am I free today?", tools=("o365/free_time",)),
    Question(
        text="Show my pipeline and my win rate", tools=("sfdc/pipeline_summary", "winloss/win_rate"), table=True
    ),
    Question(
        text="Compare my pipeline with my forecast for this quarter", tools=("sfdc/pipeline_summary", "sfdc/forecast")
    ),
    Question(text="Welche Termine habe ich diese Woche?", tools=("o365/list_meetings",), german=True),
    Question(text="What is the salary of Sue?", forbidden=("hr/salary_of", "hr/salary_bands")),
    Question(text="How many people work here by department?", tools=("hr/headcount",), user="hana.hr", table=True),
    Question(text="What are the salary bands?", tools=("hr/salary_bands",), user="hana.hr", table=True),
    Question(text="Wie viele Urlaubstage habe ich noch?", tools=("hr/leave_balance",), user="hana.hr", german=True),
    Question(text="Find people in the sales department", tools=("hr/find_people",), user="hana.hr"),
    Question(text="How is my pipeline this quarter?", user="hana.hr", forbidden=("sfdc/pipeline_summary",)),
    Question(text="How is my pipeline?", user="nora.none", forbidden=("sfdc/pipeline_summary",)),
    Question(text="Hello, who are you?"),
    Question(text="Thank you, that helped."),
)  # fmt: skip
