from __future__ import annotations

import threading
from pathlib import Path

from filmgate.models.jobbook import FILE, Entry, JobBook


def test_facts_add_up_and_survive(tmp_path: Path) -> None:
    book = JobBook(tmp_path / "own")
    assert book.entries() == {}
    book.note(Entry("a", "gen4.5", "hash"))
    book.note(Entry("b", "veo3.1", "other"))
    book.note(Entry("a", cancelled=True))
    assert JobBook(tmp_path / "own").get("a") == Entry("a", "gen4.5", "hash", True)
    assert book.get("c") == Entry("c")


def test_half_a_line_spoils_nothing(tmp_path: Path) -> None:
    book = JobBook(tmp_path)
    book.note(Entry("a", "gen4.5", "hash"))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"job": "b", "mod')
    book.note(Entry("c", "gen4.5", "hash"))
    assert set(book.entries()) == {"a", "c"}


def test_many_write_at_once(tmp_path: Path) -> None:
    def write(who: int) -> None:
        for number in range(50):
            JobBook(tmp_path).note(Entry(f"{who}-{number}", "m" * 200))

    threads = [threading.Thread(target=write, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(JobBook(tmp_path).entries()) == 400


def test_a_folder_that_cannot_be_written_loses_no_job(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    book = JobBook(tmp_path / "file")
    book.note(Entry("a"))
    assert book.entries() == {}
