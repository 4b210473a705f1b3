"""The ledger: facts that are added and never changed, in one SQLite file per project.

A fact has a kind, a key that is unique within its kind, an author, a time and a reason. The unique
key is also how two writers are told apart: who comes second is told `Conflict`. The database
itself refuses to change or delete a fact (triggers), so "take 2 as it was" can always be shown.

WAL with full synchronisation: readers never wait, writers wait for one another (`BUSY_S`), and
what `append` returned from survives a power cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from filmgate.errors import Conflict, StoreError
from filmgate.schema.upgrade import upgraded
from filmgate.schema.value import Fact, canonical

F = TypeVar("F", bound=Fact)

BUSY_S = 30.0
FILE = "ledger.sqlite"

tables = sql.MetaData()
facts = sql.Table(
    "facts", tables,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("kind", sql.String(40), nullable=False),
    sql.Column("key", sql.String(400), nullable=False),
    sql.Column("subject", sql.String(200), nullable=False),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("author", sql.String(200), nullable=False),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.UniqueConstraint("kind", "key", name="facts_once"),
    sql.Index("facts_of", "subject", "kind", "id"),
    sql.Index("facts_by_kind", "kind", "id"),
    sqlite_autoincrement=True,
)  # fmt: skip
names = sql.Table(
    "names", tables,
    sql.Column("fact", sql.Integer, sql.ForeignKey("facts.id"), primary_key=True),
    sql.Column("digest", sql.String(80), primary_key=True),
    sql.Index("names_of", "digest"),
)  # fmt: skip


class Row(NamedTuple):
    """A fact as it is kept. `body` is plain JSON; `at` is ISO 8601, UTC."""

    id: int
    kind: str
    key: str
    subject: str
    body: dict[str, Any]
    author: str
    at: str
    reason: str

    def value(self, kind: type[F]) -> F:
        """The body as the value it was."""
        return kind.model_validate(upgraded(self.kind, self.body))


class New(NamedTuple):
    """A fact to add.

    Attributes:
        subject: what it is about (a shot's slate), so that everything about it is found at once.
        names: digests in the vault that it names; they are kept as long as the fact, for ever.
    """

    kind: str
    key: str
    value: Fact
    author: str
    subject: str = ""
    reason: str = ""
    names: tuple[str, ...] = ()


class Ledger:
    """The facts of one project; the file is made (and brought up to date) on opening."""

    def __init__(self, root: Path) -> None:
        from filmgate.assets import migrate

        self.path = root / FILE
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"'{root}' cannot be written ({error.strerror}).") from None
        self._engine = sql.create_engine(f"sqlite:///{self.path}", connect_args={"timeout": BUSY_S})
        sql.event.listen(self._engine, "connect", _prepared)
        sql.event.listen(self._engine, "begin", _begun)
        self._writer = self._engine.execution_options(filmgate_writes=True)
        try:
            migrate.upgrade(self._engine, self._writer)
        except DatabaseError as error:
            raise StoreError(f"'{self.path}' cannot be opened ({error.orig}).") from None

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def append(self, *new: New) -> list[int]:
        """Add facts, all or none; returns their ids once they are on the disk.

        Raises:
            Conflict: one of them is there already; nothing was added.
            StoreError: the ledger cannot be written.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        ids: list[int] = []
        try:
            with self._writer.begin() as connection:
                ids.extend(_added(connection, fact, at) for fact in new)
        except IntegrityError:
            taken = ", ".join(f"{fact.kind} {fact.key}" for fact in new)
            raise Conflict(f"Already written by somebody else: {taken}.") from None
        except OperationalError as error:
            raise StoreError(f"'{self.path}' could not be written ({error.orig}).") from None
        return ids

    def get(self, kind: str, key: str) -> Row | None:
        """The fact of `kind` and `key`, or None."""
        rows = self._rows(sql.and_(facts.c.kind == kind, facts.c.key == key))
        return rows[0] if rows else None

    def all(self, *kinds: str, subject: str | None = None, after: int = 0) -> list[Row]:
        """Facts of `kinds` (any, when none is named) in the order they were added.

        Args:
            subject: only those about it.
            after: only those with a higher id.
        """
        where = [facts.c.id > after]
        if kinds:
            where.append(facts.c.kind.in_(kinds))
        if subject is not None:
            where.append(facts.c.subject == subject)
        return self._rows(sql.and_(*where))

    def latest(self, kind: str, subject: str) -> Row | None:
        """The last fact of `kind` about `subject`, or None."""
        query = (
            sql.select(facts)
            .where(facts.c.kind == kind, facts.c.subject == subject)
            .order_by(facts.c.id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _row(row)

    def last_id(self) -> int:
        """Id of the newest fact, 0 when there is none."""
        with self._reading() as connection:
            return int(connection.execute(sql.select(sql.func.max(facts.c.id))).scalar() or 0)

    def named(self) -> set[str]:
        """Every digest that a fact names."""
        with self._reading() as connection:
            return set(connection.execute(sql.select(names.c.digest).distinct()).scalars())

    def names_of(self, fact: int) -> tuple[str, ...]:
        """The digests that one fact names."""
        query = sql.select(names.c.digest).where(names.c.fact == fact).order_by(names.c.digest)
        with self._reading() as connection:
            return tuple(connection.execute(query).scalars())

    def damage(self) -> list[str]:
        """What SQLite finds wrong with the file itself; empty when it is whole."""
        with self._reading() as connection:
            said = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
            return [f"'{self.path}': {line}" for line in said if line != "ok"]

    def restore(self, rows: Iterable[tuple[Row, tuple[str, ...]]]) -> int:
        """Add facts of another ledger as they were, ids and times included; all or none.

        Raises:
            Conflict: this ledger is not empty.
        """
        if self.last_id():
            raise Conflict(f"'{self.path}' holds facts already: import into an empty store.")
        count = 0
        with self._writer.begin() as connection:
            for row, digests in rows:
                plain = {**row._asdict(), "body": _spelled(row.body)}
                connection.execute(sql.insert(facts).values(plain))
                _name(connection, row.id, digests)
                count += 1
        return count

    def _rows(self, where: sql.ColumnElement[bool]) -> list[Row]:
        with self._reading() as connection:
            found = connection.execute(sql.select(facts).where(where).order_by(facts.c.id))
            return [_row(row) for row in found]

    def _reading(self) -> _Reading:
        return _Reading(self._engine, self.path)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.all())


class _Reading:
    """A connection for reading, with the database's complaints as one sentence."""

    def __init__(self, engine: sql.Engine, path: Path) -> None:
        self._engine, self._path = engine, path

    def __enter__(self) -> sql.Connection:
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, DatabaseError):
            raise StoreError(f"'{self._path}' cannot be read ({error.orig}).") from None


def _prepared(connection: Any, record: object) -> None:
    # The driver shall not begin transactions by itself: it begins none before a change of tables.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begun(connection: sql.Connection) -> None:
    # A writer takes the lock at once: two that read first and write later would collide.
    writes = connection.get_execution_options().get("filmgate_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _added(connection: sql.Connection, fact: New, at: str) -> int:
    body = canonical(fact.value.plain()).decode()
    done = connection.execute(
        sql.insert(facts).values(
            kind=fact.kind, key=fact.key, subject=fact.subject, body=body,
            author=fact.author, at=at, reason=fact.reason,
        )
    )  # fmt: skip
    assert done.inserted_primary_key is not None
    number = int(done.inserted_primary_key[0])
    _name(connection, number, fact.names)
    return number


def _name(connection: sql.Connection, fact: int, digests: Iterable[str]) -> None:
    rows = [{"fact": fact, "digest": digest} for digest in sorted(set(digests)) if digest]
    if rows:
        connection.execute(sql.insert(names), rows)


def _row(row: Any) -> Row:
    plain = row._asdict()
    return Row(**{**plain, "body": json.loads(plain["body"])})


def _spelled(body: dict[str, Any]) -> str:
    return canonical(body).decode()
