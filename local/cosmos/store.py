"""Items on SQLite: one row each, committed per transaction, so that a killed process loses nothing answered.

WAL with synchronous=NORMAL survives the death of the process (not a power cut), see sqlite.org/pragma.html.
"""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS databases (id TEXT PRIMARY KEY, rid TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS containers (
    key INTEGER PRIMARY KEY, database TEXT NOT NULL, id TEXT NOT NULL, rid TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (database, id));
CREATE TABLE IF NOT EXISTS items (
    seq INTEGER PRIMARY KEY, container INTEGER NOT NULL, pk TEXT NOT NULL, id TEXT NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, ttl INTEGER, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS items_by_key ON items (container, pk, id);
CREATE INDEX IF NOT EXISTS items_with_ttl ON items (container, ttl) WHERE ttl IS NOT NULL;
INSERT OR IGNORE INTO counters VALUES ('lsn', 0);
"""
_COLUMNS = "seq, pk, id, etag, modified, ttl, body"
# Alive: no expiry on the container; or the item's own ttl, else the container's default, is -1 or not yet over.
_ALIVE = "(:default_ttl IS NULL OR coalesce(ttl, :default_ttl) = -1 OR modified + coalesce(ttl, :default_ttl) > :now)"


@dataclass(frozen=True, slots=True)
class Row:
    """A stored item; `seq` is its place in order of creation, `body` its JSON with the system properties."""

    seq: int
    pk: str
    id: str
    etag: str
    modified: float
    ttl: int | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which items are looked at: a container, its default ttl (seconds, -1 or None for off), and the time."""

    container: int
    default_ttl: int | None
    now: float


class Store:
    """The rows. Not thread-safe: one event loop uses it, so every call is atomic towards the others."""

    def __init__(self, path: Path | None) -> None:
        """Open the file `path`, or memory when it is None."""
        self.connection = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None, timeout=1)
        # The definitions are kept in memory, so a second process on the same file would not see ours.
        self.connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute("PRAGMA cache_size=-65536")
        self.connection.executescript(_SCHEMA)
        self.lsn: int = self.connection.execute("SELECT value FROM counters WHERE name = 'lsn'").fetchone()[0]

    def copy(self) -> "Store":
        """Return what is stored now, in memory and for good, as a region has it that nothing more reaches."""
        frozen = Store(None)
        self.connection.backup(frozen.connection)
        frozen.lsn = self.lsn
        return frozen

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what happens inside, or nothing of it when it raises; an inner one joins the outer."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def next_lsn(self) -> int:
        """Return the number of the next write; only inside a transaction."""
        self.lsn += 1
        self.connection.execute("UPDATE counters SET value = ? WHERE name = 'lsn'", (self.lsn,))
        return self.lsn

    def get(self, scope: Scope, pk: str, item: str) -> Row | None:
        """Return the living item, or None."""
        found = self.connection.execute(
            f"SELECT {_COLUMNS} FROM items WHERE container = :container AND pk = :pk AND id = :id AND {_ALIVE}",  # noqa: S608 - constants only
            {**_bindings(scope), "pk": pk, "id": item},
        ).fetchone()
        return Row(*found) if found else None

    def put(self, scope: Scope, row: Row) -> None:
        """Write a row under its seq; an expired item in its place goes away."""
        self.connection.execute(
            "INSERT OR REPLACE INTO items (container, seq, pk, id, etag, modified, ttl, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (scope.container, row.seq, row.pk, row.id, row.etag, row.modified, row.ttl, row.body),
        )

    def delete(self, seq: int) -> None:
        """Delete the row."""
        self.connection.execute("DELETE FROM items WHERE seq = ?", (seq,))

    def delete_partition(self, scope: Scope, pk: str) -> int:
        """Delete a partition; return how many rows went."""
        deleted = self.connection.execute("DELETE FROM items WHERE container = ? AND pk = ?", (scope.container, pk))
        return deleted.rowcount

    def scan(self, scope: Scope, pk: str | None, narrowing: tuple[str, dict[str, object]] = ("1", {})) -> Iterator[Row]:
        """Yield the living items of a partition, or of all when `pk` is None, in order of creation.

        `narrowing` is a SQL condition with its bindings that leaves out rows the caller does not need.
        """
        condition, bindings = narrowing
        partition = "pk = :pk" if pk is not None else "1"
        cursor = self.connection.execute(
            f"SELECT {_COLUMNS} FROM items WHERE container = :container AND {partition}"  # noqa: S608 - see prefilter.py
            f" AND {_ALIVE} AND {condition} ORDER BY seq",
            {**_bindings(scope), **bindings, "pk": pk},
        )
        for found in cursor:
            yield Row(*found)

    def purge(self, scope: Scope) -> int:
        """Delete the expired rows of a container; return how many went."""
        gone = self.connection.execute(
            f"DELETE FROM items WHERE container = :container AND NOT {_ALIVE}",  # noqa: S608 - constants only
            _bindings(scope),
        )
        return gone.rowcount


def _bindings(scope: Scope) -> dict[str, object]:
    return {"container": scope.container, "default_ttl": scope.default_ttl, "now": scope.now}
