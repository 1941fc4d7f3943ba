"""The durable store: one SQLite file that holds every instance, message, work item and timer.

Every method that writes is one transaction with a name, called on the event loop: in WAL mode with synchronous=NORMAL a
commit is an append without fsync (about 0.1 ms), and it survives the death of the process. The fsync comes
with the checkpoint, which `checkpoint` does on a connection of its own so that a thread can run it.
"""

import json
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from local.host.durable.history import Event
from local.host.durable.records import ArmedTimer, InstanceQuery, InstanceRow, Message, WorkItem

StepHook = Callable[[Literal["before", "after"], str], None]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instances(
    id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, input TEXT, status TEXT NOT NULL,
    custom_status TEXT, output TEXT, created TEXT NOT NULL, updated TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS instances_by_status ON instances(status);
CREATE TABLE IF NOT EXISTS history(
    instance_id TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY(instance_id, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox(
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, event TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox(instance_id);
CREATE TABLE IF NOT EXISTS activities(
    instance_id TEXT NOT NULL, execution_id TEXT NOT NULL, task_id INTEGER NOT NULL, name TEXT NOT NULL,
    input TEXT NOT NULL, PRIMARY KEY(instance_id, execution_id, task_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timers(
    instance_id TEXT NOT NULL, execution_id TEXT NOT NULL, task_id INTEGER NOT NULL, fire_at TEXT NOT NULL,
    PRIMARY KEY(instance_id, execution_id, task_id)) WITHOUT ROWID;
"""
_COLUMNS = "id, execution_id, name, input, status, custom_status, output, created, updated"


class StoreInUse(Exception):
    """Another process works on this task hub."""


class Store:
    """Reads and writes one task hub's file; used from one thread."""

    def __init__(self, path: Path, *, on_step: StepHook) -> None:
        """Open or create the file and keep others out until `close`.

        Raises:
            StoreInUse: another process has the same task hub open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._on_step = on_step
        self._guard = _hold(path.with_suffix(".lock"))
        self._db = _connect(path)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file and let others in."""
        self._db.close()
        self._guard.close()

    def checkpoint(self) -> None:
        """Move what the log holds into the file; safe to call from another thread."""
        connection = _connect(self._path)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()

    @contextmanager
    def _transaction(self, step: str) -> Generator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._on_step("before", step)
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite itself rolls back where a disk is full (sqlite.org/lang_transaction.html).
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._on_step("after", step)

    def create(self, row: InstanceRow, started: Event) -> Message:
        """Store a new execution with its first message; what an earlier execution of the id left is gone."""
        with self._transaction("start") as db:
            _delete_instance(db, row.instance_id)
            db.execute(
                f"INSERT INTO instances({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?)",
                (
                    row.instance_id,
                    row.execution_id,
                    row.name,
                    row.input_json,
                    row.status,
                    row.custom_status,
                    row.output,
                    row.created,
                    row.updated,
                ),
            )
            return _post(db, row.instance_id, started)

    def post(self, instance_id: str, events: Sequence[Event], *, step: str = "message") -> list[Message]:
        """Put events into an instance's inbox."""
        with self._transaction(step) as db:
            return [_post(db, instance_id, one) for one in events]

    def finish_activity(self, item: WorkItem, completion: Event) -> Message | None:
        """Turn a work item into its completion message; None when it was finished or dropped before."""
        with self._transaction(f"activity {item.name}") as db:
            key = (item.instance_id, item.execution_id, item.task_id)
            gone = db.execute(
                "DELETE FROM activities WHERE instance_id=? AND execution_id=? AND task_id=?", key
            ).rowcount
            return _post(db, item.instance_id, completion) if gone else None

    def fire(self, timer: ArmedTimer, fired: Event) -> Message | None:
        """Turn a timer into its message; None when it was dropped before."""
        with self._transaction("timer") as db:
            key = (timer.instance_id, timer.execution_id, timer.task_id)
            gone = db.execute("DELETE FROM timers WHERE instance_id=? AND execution_id=? AND task_id=?", key).rowcount
            return _post(db, timer.instance_id, fired) if gone else None

    def save_episode(
        self,
        row: InstanceRow,
        *,
        consumed: Sequence[Message],
        position: int,
        events: Sequence[Event],
        activities: Sequence[WorkItem],
        timers: Sequence[ArmedTimer],
    ) -> None:
        """Store one episode: messages out, history and work in, the new status; a finished instance keeps no work."""
        begun = ",".join(sorted({one.name for one in activities})) or ("timer" if timers else row.status)
        with self._transaction(f"episode {begun}") as db:
            db.executemany("DELETE FROM inbox WHERE sequence=?", [(one.sequence,) for one in consumed])
            db.executemany(
                "INSERT INTO history VALUES(?,?,?)",
                [(row.instance_id, position + offset, json.dumps(one)) for offset, one in enumerate(events)],
            )
            db.executemany(
                "INSERT INTO activities VALUES(?,?,?,?,?)",
                [(a.instance_id, a.execution_id, a.task_id, a.name, a.input_json) for a in activities],
            )
            db.executemany(
                "INSERT INTO timers VALUES(?,?,?,?)",
                [(t.instance_id, t.execution_id, t.task_id, t.fire_at) for t in timers],
            )
            db.execute(
                "UPDATE instances SET status=?, custom_status=?, output=?, updated=? WHERE id=?",
                (row.status, row.custom_status, row.output, row.updated, row.instance_id),
            )
            if row.output is not None or row.status in _ENDED:
                _delete_work(db, row.instance_id)

    def purge(self, instance_ids: Sequence[str]) -> int:
        """Delete these instances with all they have; return how many there were."""
        with self._transaction("purge") as db:
            return sum(_delete_instance(db, instance_id) for instance_id in instance_ids)

    def instance(self, instance_id: str) -> InstanceRow | None:
        """Return one instance, or None."""
        sql = f"SELECT {_COLUMNS} FROM instances WHERE id=?"  # noqa: S608 - constant
        found = self._db.execute(sql, (instance_id,)).fetchone()
        return None if found is None else _row(found)

    def instances(self, query: InstanceQuery) -> list[InstanceRow]:
        """Return the instances that match, ordered by id."""
        where, values = ["id > ?"], [query.after]
        if query.statuses:
            where.append(f"status IN ({','.join('?' * len(query.statuses))})")
            values += sorted(query.statuses)
        if query.created_from:
            where.append("created >= ?")
            values.append(query.created_from)
        if query.created_to:
            where.append("created <= ?")
            values.append(query.created_to)
        if query.id_prefix:
            where.append("substr(id, 1, ?) = ?")
            sized: list[Any] = [*values, len(query.id_prefix), query.id_prefix]
        else:
            sized = [*values]
        limit = -1 if query.top is None else query.top
        sql = f"SELECT {_COLUMNS} FROM instances WHERE {' AND '.join(where)} ORDER BY id LIMIT ?"  # noqa: S608
        return [_row(found) for found in self._db.execute(sql, [*sized, limit])]

    def history(self, instance_id: str) -> list[Event]:
        """Return an instance's events in order."""
        rows = self._db.execute("SELECT event FROM history WHERE instance_id=? ORDER BY position", (instance_id,))
        return [json.loads(text) for (text,) in rows]

    def inbox(self, instance_id: str) -> list[Message]:
        """Return the messages that no episode has consumed, in order of arrival."""
        rows = self._db.execute(
            "SELECT sequence, event FROM inbox WHERE instance_id=? ORDER BY sequence", (instance_id,)
        )
        return [Message(sequence=sequence, event=json.loads(text)) for sequence, text in rows]

    def work_items(self) -> list[WorkItem]:
        """Return every activity without a result."""
        rows = self._db.execute("SELECT instance_id, execution_id, task_id, name, input FROM activities")
        return [
            WorkItem(instance_id=i, execution_id=e, task_id=t, name=name, input_json=text)
            for i, e, t, name, text in rows
        ]

    def timers(self) -> list[ArmedTimer]:
        """Return every timer that has not fired."""
        rows = self._db.execute("SELECT fire_at, instance_id, execution_id, task_id FROM timers")
        return [ArmedTimer(fire_at=at, instance_id=i, execution_id=e, task_id=t) for at, i, e, t in rows]


_ENDED = frozenset({"Completed", "Failed", "Terminated", "Canceled"})


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def _hold(path: Path) -> sqlite3.Connection:
    """Lock by a second database: portable, and the system frees it when the process dies."""
    guard = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    try:
        guard.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as held:
        guard.close()
        message = f"The task hub {path.stem} in {path.parent} is in use by another process; stop that host first."
        raise StoreInUse(message) from held
    return guard


def _post(db: sqlite3.Connection, instance_id: str, event: Event) -> Message:
    cursor = db.execute("INSERT INTO inbox(instance_id, event) VALUES(?,?)", (instance_id, json.dumps(event)))
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT always sets it; narrows the type
    return Message(sequence=cursor.lastrowid, event=event)


def _delete_work(db: sqlite3.Connection, instance_id: str) -> None:
    for table in ("inbox", "activities", "timers"):
        db.execute(f"DELETE FROM {table} WHERE instance_id=?", (instance_id,))  # noqa: S608 - names from the line above


def _delete_instance(db: sqlite3.Connection, instance_id: str) -> int:
    _delete_work(db, instance_id)
    db.execute("DELETE FROM history WHERE instance_id=?", (instance_id,))
    return db.execute("DELETE FROM instances WHERE id=?", (instance_id,)).rowcount


def _row(found: tuple[Any, ...]) -> InstanceRow:
    instance_id, execution_id, name, text, status, custom_status, output, created, updated = found
    return InstanceRow(
        instance_id=instance_id,
        execution_id=execution_id,
        name=name,
        input_json=text,
        status=status,
        custom_status=custom_status,
        output=output,
        created=created,
        updated=updated,
    )
