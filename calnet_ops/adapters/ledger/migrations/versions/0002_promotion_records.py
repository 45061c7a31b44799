"""Who promoted what in whose place; calls of the webhook; leases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns to `promotion`, empty in rows of old, and two tables."""
    for column in (
        sa.Column("previous_version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("previous_model_id", sa.String(32), nullable=False, server_default=""),
        sa.Column("actor", sa.String(512), nullable=False, server_default=""),
        sa.Column("seen_by", sa.String(16), nullable=False, server_default=""),
        sa.Column("delivery", sa.String(128), nullable=False, server_default=""),
        sa.Column("moved_utc", sa.DateTime, nullable=True),
        sa.Column("override", sa.String(1024), nullable=False, server_default=""),
    ):
        op.add_column("promotion", column)
    op.create_table(
        "hook_call",
        sa.Column("delivery", sa.String(128), primary_key=True),
        sa.Column("alias", sa.String(256), nullable=False, index=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sent_utc", sa.DateTime, nullable=False),
        sa.Column("at_utc", sa.DateTime, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(256), nullable=False),
        sa.Column("since_utc", sa.DateTime, nullable=False),
        sa.Column("until_utc", sa.DateTime, nullable=False),
    )
