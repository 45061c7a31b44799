"""First tables of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, spelled out: a migration must not follow later changes of `tables`."""
    op.create_table(
        "delivery",
        sa.Column("sector", sa.Integer, primary_key=True),
        sa.Column("delivery", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("n_listed", sa.Integer, nullable=False),
        sa.Column("listing_sha256", sa.String(64), nullable=False),
        sa.Column("first_seen_utc", sa.DateTime, nullable=False),
        sa.Column("changed_utc", sa.DateTime, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
    )
    op.create_table(
        "step_record",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("step", sa.String(32), nullable=False, index=True),
        sa.Column("sector", sa.Integer, nullable=False, index=True),
        sa.Column("model_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("at_utc", sa.DateTime, nullable=False),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("tic", sa.BigInteger, nullable=False, index=True),
        sa.Column("sector", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("eb_type", sa.String(4), nullable=False),
        sa.Column("vetter", sa.String(64), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("note", sa.String(1024), nullable=False),
        sa.Column("at_utc", sa.DateTime, nullable=False),
    )
    op.create_table(
        "promotion",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("model_id", sa.String(32), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(1024), nullable=False),
        sa.Column("threshold", sa.Float, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("at_utc", sa.DateTime, nullable=False),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.String(256), nullable=False, unique=True),
        sa.Column("text", sa.String(4096), nullable=False),
        sa.Column("at_utc", sa.DateTime, nullable=False),
    )
