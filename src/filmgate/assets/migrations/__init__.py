"""Alembic's folder for the ledger."""
