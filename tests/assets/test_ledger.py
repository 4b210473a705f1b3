from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from filmgate.assets.ledger import FILE, Ledger, New
from filmgate.errors import Conflict, StoreError
from filmgate.schema.purchase import Applied, Standing


def applied(take: str = "1A-1", number: int = 1) -> New:
    value = Applied(take=take, number=number)
    return New("applied", f"{take}/{number}", value, "ana", "1A", names=("sha256:" + "a" * 64,))


def test_a_fact_comes_back_as_it_was(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    (number,) = ledger.append(applied())
    row = ledger.get("applied", "1A-1/1")
    assert row is not None
    assert (row.id, row.author, row.subject) == (number, "ana", "1A")
    assert row.value(Applied) == Applied(take="1A-1", number=1)
    assert ledger.named() == {"sha256:" + "a" * 64}
    assert ledger.latest("applied", "1A") == row
    assert ledger.all("applied", subject="1B") == []


def test_the_second_writer_of_a_key_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append(applied())
    with pytest.raises(Conflict, match="somebody else"):
        ledger.append(applied(number=2), applied())
    assert ledger.get("applied", "1A-1/2") is None


@pytest.mark.parametrize("table", ["facts", "names"])
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = rowid", "DELETE FROM {}"])
def test_the_database_itself_refuses_change(tmp_path: Path, table: str, change: str) -> None:
    Ledger(tmp_path).append(applied())
    with sqlite3.connect(tmp_path / FILE) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute(change.format(table))
    raw.close()


def test_a_fact_of_a_later_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    value = Standing.model_construct(schema_version=9, shot="1A", state="circled")
    ledger.append(New("standing", "1A/1", value, "ana", "1A"))
    row = ledger.get("standing", "1A/1")
    assert row is not None
    with pytest.raises(StoreError, match="later filmgate"):
        row.value(Standing)


def test_a_file_that_is_no_ledger_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is not a database, it is a text" * 30)
    with pytest.raises(StoreError, match="cannot be opened"):
        Ledger(tmp_path)


def test_a_ledger_of_a_later_filmgate_is_told(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreError, match="later filmgate"):
        Ledger(tmp_path)


DECIDES = """
import sys, time
from pathlib import Path
from filmgate.assets.ledger import Ledger, New
from filmgate.errors import Conflict
from filmgate.schema.decision import Decision

root, name = sys.argv[1:]
ledger = Ledger(Path(root))
print("ready", flush=True)
sys.stdin.readline()
for number in range(1, 41):
    value = Decision(take="1A-1", ruling="circle", number=number, reviewer=name)
    try:
        ledger.append(New("decision", f"1A-1/{number}", value, name, "1A"))
        print(number)
    except Conflict:
        pass
"""


def test_of_writers_at_once_each_key_goes_to_one(tmp_path: Path) -> None:
    people = [
        subprocess.Popen(
            [sys.executable, "-c", DECIDES, str(tmp_path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("ana", "ben")
    ]  # fmt: skip
    for person in people:
        assert person.stdout is not None
        assert person.stdout.readline() == "ready\n"
    won = [person.communicate("go\n")[0].split() for person in people]
    assert [person.returncode for person in people] == [0, 0]
    assert sorted(int(n) for n in won[0] + won[1]) == list(range(1, 41))
    rows = Ledger(tmp_path).all("decision")
    assert sorted(row.body["number"] for row in rows) == list(range(1, 41))
