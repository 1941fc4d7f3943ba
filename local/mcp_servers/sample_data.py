"""Keep the sample data as JSON files that a person may edit: written once, read again when changed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any, cast

from local.mcp_servers import sample_sales, sample_staff

Row = dict[str, Any]

SEED = 20_260_101


def generate(seed: int, today: date) -> dict[str, list[Row]]:
    """Return the whole data set; the same for the same seed and day."""
    random = Random(seed)  # noqa: S311 - repeatable samples, no secrets
    people = sample_staff.staff(random, today)
    customers = sample_sales.accounts(random)
    chances = sample_sales.opportunities(random, customers, today)
    return {
        "people": people,
        "leave": sample_staff.leave(random, people, today),
        "salary_bands": sample_staff.salary_bands(),
        "accounts": customers,
        "contacts": sample_sales.contacts(random, customers),
        "opportunities": chances,
        "deals": sample_sales.deals(random, chances),
        "events": sample_staff.events(random, people, customers, today),
        "activities": [],
    }


class SampleData:
    """The tables of the sample data set, each in its own file; edits show in the next call."""

    def __init__(self, directory: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open the data set in `directory`; tables that are not there are generated."""
        self._directory = directory
        self._clock = clock
        self._read: dict[str, tuple[int, list[Row]]] = {}
        self._writing = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        for name, rows in generate(SEED, self.today).items():
            if not self._file(name).exists():
                self._write(name, rows)

    @property
    def today(self) -> date:
        """The day, in UTC."""
        return self._clock().date()

    def now(self) -> str:
        """Return the moment as an RFC 3339 text."""
        return _rfc3339(self._clock())

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows as its file has them now.

        Raises:
            ValueError: somebody edited the file and it is no list of JSON objects any more.
        """
        file = self._file(table)
        changed = file.stat().st_mtime_ns
        known = self._read.get(table)
        if known and known[0] == changed:
            return known[1]
        try:
            rows: Any = json.loads(file.read_text(encoding="utf-8"))
        except json.JSONDecodeError as fault:
            raise ValueError(f"{file.name} is not JSON: {fault}") from fault
        if not isinstance(rows, list):
            raise ValueError(f"{file.name} must hold a list of objects")  # noqa: TRY004 - a file, not an argument
        table_rows = cast("list[Row]", rows)
        self._read[table] = (changed, table_rows)
        return table_rows

    def as_of(self, table: str) -> str:
        """Return when the table last changed."""
        return _rfc3339(datetime.fromtimestamp(self._file(table).stat().st_mtime, UTC))

    def append(self, table: str, row: Row) -> None:
        """Add a row to a table."""
        with self._writing:
            self._write(table, [*self.rows(table), row])

    def _file(self, table: str) -> Path:
        return self._directory / f"{table}.json"

    def _write(self, table: str, rows: list[Row]) -> None:
        file = self._file(table)
        beside = file.with_suffix(".new")
        beside.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        beside.replace(file)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
