"""Bringing a ledger's tables up to date with Alembic; the steps lie in ``migrations/versions``."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sql

from filmgate.errors import StoreError

HERE = Path(__file__).with_name("migrations")


def upgrade(engine: sql.Engine, writer: sql.Engine) -> None:
    """Make the tables, or bring older ones up to date; nothing when they are.

    Args:
        engine: for reading.
        writer: takes the write lock when it begins, so that of two processes one waits.

    Raises:
        StoreError: a later filmgate made them.
    """
    steps = sorted(path.name[:4] for path in (HERE / "versions").glob("[0-9]*.py"))
    now = _revision(engine)
    if now == steps[-1]:
        return
    if now is not None and now not in steps:
        raise StoreError(
            f"This project was made by a later filmgate (ledger revision {now}): "
            "install the later one."
        )
    # Importing Alembic takes longer than everything else of opening.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    with writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: sql.Engine) -> str | None:
    """The revision that the tables have; revisions are named by the number of their file."""
    with engine.connect() as connection:
        if not sql.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)
