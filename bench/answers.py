"""Measure how long it takes to read tables and a chart out of an answer: `make bench`."""

import time
from collections.abc import Callable

from shared.adapters.markdown_tables import READ_MOST, MarkdownTables
from shared.domain.charts import tables_and_chart

MEGABYTE = 1_000_000
HEAD = "| Region | Pipeline (EUR) | Share |\n|---|---|---|\n"
ROW = "| **North** | 1,234.5 | 12 % |\n"
PIECES: dict[str, Callable[[int], str]] = {
    "one table": lambda size: HEAD + ROW * (size // len(ROW)),
    "many tables": lambda size: (HEAD + ROW * 8 + "\n") * (size // 320),
    "lists": lambda size: ("- North: 1,200 EUR\n" * 5 + "\nText.\n\n") * (size // 110),
    "prose": lambda size: "- A point.\n\n" + "The quick *brown* fox jumps.\n\n" * (size // 31),
    "pipes": lambda size: "|" * size,
    "brackets": lambda size: "| a |\n|---|\n| " + "[" * size,
}  # fmt: skip


def seconds(reader: MarkdownTables, text: str) -> float:
    """Read once and tell how long it took."""
    began = time.perf_counter()
    tables_and_chart(reader.read(text), text, None)
    return time.perf_counter() - began


def main() -> None:
    """Print a line for each kind of document at three sizes."""
    reader = MarkdownTables()
    sizes = (READ_MOST // 8, READ_MOST - 1000, MEGABYTE)
    print(f"{'document':12} " + " ".join(f"{size:>10,} B" for size in sizes))
    for name, make in PIECES.items():
        times = [min(seconds(reader, make(size)) for _ in range(3)) for size in sizes]
        print(f"{name:12} " + " ".join(f"{taken * 1000:>9.1f} ms" for taken in times))
    print(f"\nOf more than {READ_MOST:,} characters only the whole blocks before that are read.")


if __name__ == "__main__":
    main()
