"""Choose what of a conversation fits the model: whole exchanges, the newest first; tool results give way to words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.domain.model import Said
from shared.domain.quoting import end_mark

Counter = Callable[[str], int]

HISTORY_TOKENS = 24_000
"""Earlier exchanges cost this much at most, whatever the model could take."""
REQUEST_TOKENS = 120_000
"""A request costs this much at most."""
RESULT_LEAST = 400
"""A result is not cut below so many tokens while an earlier exchange could be left out instead."""
PER_ENTRY = 8
"""What an entry costs besides its text: role and separators."""
CUT = "\n[The result was cut here to fit; ask for less.]"

Exchange = tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a request may hold: `fixed` tokens are taken by prompt, summary and tools."""

    fixed: int
    most: int = REQUEST_TOKENS
    history: int = HISTORY_TOKENS


def at_most(text: str) -> int:
    """Give an upper bound of a text's tokens: a token of any byte-pair encoding holds one byte at least."""
    return len(text.encode("utf-8", "surrogatepass"))


def fit(past: Sequence[Exchange], present: Sequence[Said], window: Window, count: Counter) -> tuple[Said, ...]:
    """Put past exchanges and the present turn together within the window.

    The present question and words always stay; past exchanges are kept whole or not at all.
    """
    costs = [sum(_cost(said, count) for said in exchange) for exchange in past]
    kept = _newest(costs, window.history)
    results = [said for said in present if said.role == "tool"]
    words = window.fixed + sum(_cost(said, count) for said in present if said.role != "tool")
    wanted = [_cost(said, count) for said in results]
    least = sum(min(size, RESULT_LEAST) for size in wanted)
    while kept < len(past) and words + sum(costs[kept:]) + least > window.most:
        kept += 1
    spare = max(window.most - words - sum(costs[kept:]), 0)
    cut = iter(
        _cut(said, size, share) for said, size, share in zip(results, wanted, _shares(wanted, spare), strict=True)
    )
    return (
        *(said for exchange in past[kept:] for said in exchange),
        *(next(cut) if said.role == "tool" else said for said in present),
    )


def _newest(costs: Sequence[int], budget: int) -> int:
    """Give the index of the oldest exchange that fits."""
    index = len(costs)
    while index > 0 and costs[index - 1] <= budget:
        index -= 1
        budget -= costs[index]
    return index


def _shares(wanted: Sequence[int], spare: int) -> list[int]:
    """Share out what is there: small results stay whole, large ones get what is left in equal parts."""
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for place, index in enumerate(order):
        shares[index] = min(wanted[index], spare // (len(order) - place))
        spare -= shares[index]
    return shares


def _cut(said: Said, size: int, share: int) -> Said:
    if size <= share:
        return said
    kept = len(said.text) * max(share - PER_ENTRY * 8, 0) // size
    return replace(said, text=said.text[:kept] + CUT + end_mark(said.text))


def _cost(said: Said, count: Counter) -> int:
    calls = sum(count(call.name) + count(call.arguments_json) + PER_ENTRY for call in said.calls)
    return count(said.text) + calls + count(said.thoughts or "") + PER_ENTRY
