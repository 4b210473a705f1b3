"""How long the board takes to choose pictures for a draft, by the size of its library.

python -m bench.board
"""

from __future__ import annotations

import time

import numpy as np

from filmgate.assets.board import Board, Card

SIZES, NUMBERS, DRAFTS = (1_000, 10_000, 100_000), 64, 3


def cards(count: int) -> list[Card]:
    """A library of `count` pictures of forty people, each measured with `NUMBERS` numbers."""
    drawn = np.random.default_rng(0).normal(size=(count, NUMBERS))
    return [
        Card(str(i), f"P{i % 40}", f"a corridor with door {i % 97}", vector=tuple(map(float, row)))
        for i, row in enumerate(drawn)
    ]


def main() -> None:
    """Print one line per size: the fastest of `DRAFTS`, processor seconds."""
    print("| cards | make and search, s |\n|---|---|")
    for count in SIZES:
        library, took = cards(count), []
        for _ in range(DRAFTS):
            start = time.process_time()
            found = Board(library).best(["P1", "P2", "P7"], "a corridor at night", 3)
            took.append(time.process_time() - start)
            assert len(found) == 3
        print(f"| {count:,} | {min(took):.2f} |")


if __name__ == "__main__":
    main()
