"""Tables of the ledger. All but `delivery` are append-only."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

delivery = Table(
    "delivery",
    metadata,
    Column("sector", Integer, primary_key=True),
    Column("delivery", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("n_listed", Integer, nullable=False),
    Column("listing_sha256", String(64), nullable=False),
    Column("first_seen_utc", DateTime, nullable=False),
    Column("changed_utc", DateTime, nullable=False),
    Column("facts", JSON, nullable=False),
)

step_record = Table(
    "step_record",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("step", String(32), nullable=False, index=True),
    Column("sector", Integer, nullable=False, index=True),
    Column("model_id", String(32), nullable=False),
    Column("key", String(512), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("at_utc", DateTime, nullable=False),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("tic", BigInteger, nullable=False, index=True),
    Column("sector", Integer, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("eb_type", String(4), nullable=False),
    Column("vetter", String(64), nullable=False),
    Column("source", String(32), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("note", String(1024), nullable=False),
    Column("at_utc", DateTime, nullable=False),
)

promotion = Table(
    "promotion",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model_version", Integer, nullable=False),
    Column("model_id", String(32), nullable=False),
    Column("action", String(16), nullable=False),
    Column("reason", String(1024), nullable=False),
    Column("threshold", Float, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("at_utc", DateTime, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subject", String(256), nullable=False, unique=True),
    Column("text", String(4096), nullable=False),
    Column("at_utc", DateTime, nullable=False),
)
