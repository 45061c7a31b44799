"""Tables of the ledger. All but `delivery`, `hook_call` and `lease` are append-only."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from typing_extensions import override


class Prose(TypeDecorator[str]):
    """Words for people, cut to what the column holds: PostgreSQL refuses more, and zero bytes."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is written."""
        return value and value.replace("\0", "")[: self.length]


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
    Column("note", Prose(1024), nullable=False),
    Column("at_utc", DateTime, nullable=False),
    Column("period_d", Double),
    Column("epoch_btjd", Double),
    Column("depth", Double),
    Column("ra", Double),
    Column("dec", Double),
    Column("gaia", BigInteger),
    Column("same_as", BigInteger),
)

promotion = Table(
    "promotion",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model_version", Integer, nullable=False),
    Column("model_id", String(32), nullable=False),
    Column("action", String(16), nullable=False),
    Column("reason", Prose(1024), nullable=False),
    Column("threshold", Float, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("at_utc", DateTime, nullable=False),
    Column("previous_version", Integer, nullable=False, server_default="0"),
    Column("previous_model_id", String(32), nullable=False, server_default=""),
    Column("actor", Prose(512), nullable=False, server_default=""),
    Column("seen_by", String(16), nullable=False, server_default=""),
    Column("delivery", String(128), nullable=False, server_default=""),
    Column("moved_utc", DateTime, nullable=True),
    Column("override", Prose(1024), nullable=False, server_default=""),
)

hook_call = Table(
    "hook_call",
    metadata,
    Column("delivery", String(128), primary_key=True),
    Column("alias", String(256), nullable=False, index=True),
    Column("action", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sent_utc", DateTime, nullable=False),
    Column("at_utc", DateTime, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(256), nullable=False),
    Column("since_utc", DateTime, nullable=False),
    Column("until_utc", DateTime, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subject", Prose(256), nullable=False, unique=True),
    Column("text", Prose(4096), nullable=False),
    Column("at_utc", DateTime, nullable=False),
)
