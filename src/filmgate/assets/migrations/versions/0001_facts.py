"""Facts, and the digests they name.

Revision ID: 0001
"""

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and have the database refuse to change what is in them."""
    op.create_table(
        "facts",
        sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("kind", sql.String(40), nullable=False),
        sql.Column("key", sql.String(400), nullable=False),
        sql.Column("subject", sql.String(200), nullable=False),
        sql.Column("body", sql.Text, nullable=False),
        sql.Column("author", sql.String(200), nullable=False),
        sql.Column("at", sql.String(40), nullable=False),
        sql.Column("reason", sql.Text, nullable=False),
        sql.UniqueConstraint("kind", "key", name="facts_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("facts_of", "facts", ["subject", "kind", "id"])
    op.create_index("facts_by_kind", "facts", ["kind", "id"])
    op.create_table(
        "names",
        sql.Column("fact", sql.Integer, sql.ForeignKey("facts.id"), primary_key=True),
        sql.Column("digest", sql.String(80), primary_key=True),
    )
    op.create_index("names_of", "names", ["digest"])
    for table in ("facts", "names"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'facts are added, never changed'); END"
            )


def downgrade() -> None:
    """There is no way back: facts are never lost."""
    raise NotImplementedError("A ledger is never taken back to an older form.")
