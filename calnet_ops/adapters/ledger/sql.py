"""State of deliveries, what each step made, people's decisions, promotions, notices sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Table, create_engine, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from calnet_ops.adapters.ledger import tables
from calnet_ops.adapters.ledger.hook_calls import HookCalls
from calnet_ops.adapters.ledger.leases import Leases
from calnet_ops.adapters.ledger.promotion import Promotion
from calnet_ops.errors import ServiceUnavailable
from calnet_ops.science.labels.records import Details

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a sector by the archive, and how far it has come."""

    sector: int
    delivery: int
    """1 for the first, 2 when the archive delivers the sector again."""
    state: str
    """appearing → listed → raw; halted when its checks say stop."""
    n_listed: int
    """Files in the sector's download script."""
    listing_sha256: str
    """Of the script's bytes."""
    first_seen_utc: datetime
    changed_utc: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    """Keys and counts that later steps read: ``manifest``, ``report``, ``n_stored``, …"""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What a step made."""

    step: str
    sector: int
    """0 when the step is not about one sector."""
    model_id: str
    """Empty when no model had a part in it."""
    key: str
    facts: dict[str, Any]
    at_utc: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person, catalog or simulation says about one star."""

    tic: int
    sector: int
    verdict: str
    """``EB``, ``NOT_EB``, ``UNSURE``, or ``WITHDRAWN``: the vetter takes back the last word."""
    eb_type: str
    """``EA``, ``EB``, ``EW`` or empty."""
    vetter: str
    source: str
    """``person``, ``catalog`` or ``simulated``: where the word comes from."""
    simulated: bool
    """Whether the star is a simulated one."""
    note: str
    at_utc: datetime
    period_d: float | None = None
    epoch_btjd: float | None = None
    depth: float | None = None
    ra: float | None = None
    dec: float | None = None
    gaia: int | None = None
    same_as: int | None = None

    @property
    def details(self) -> Details:
        """Ephemeris, place and other names, as far as known."""
        return Details(**{name.name: getattr(self, name.name) for name in fields(Details)})


class Ledger:
    """The database of calnet-ops.

    Parameters
    ----------
    engine
        SQLAlchemy engine of SQLite or PostgreSQL.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.hook_calls = HookCalls(self._begin)
        self.leases = Leases(self._begin)

    def migrate(self) -> None:
        """Bring the tables up to this version of the software."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def deliveries(self) -> list[Delivery]:
        """The newest delivery of each sector, by sector."""
        return list({item.sector: item for item in self.all_deliveries()}.values())

    def all_deliveries(self) -> list[Delivery]:
        """Every delivery, by sector, oldest first."""
        rows = self._rows(select(tables.delivery).order_by("sector", "delivery"))
        return [Delivery(**row) for row in rows]

    def delivery(self, sector: int) -> Delivery | None:
        """The newest delivery of a sector, if it was ever seen."""
        known = self.history(sector)
        return known[-1] if known else None

    def history(self, sector: int) -> list[Delivery]:
        """All deliveries of a sector, oldest first."""
        chosen = select(tables.delivery).where(tables.delivery.c.sector == sector)
        return [Delivery(**row) for row in self._rows(chosen.order_by("delivery"))]

    def add_delivery(
        self,
        sector: int,
        delivery: int,
        *,
        state: str,
        n_listed: int,
        listing_sha256: str,
        facts: dict[str, Any] | None = None,
    ) -> bool:
        """Note a delivery seen for the first time; False if another poll was faster."""
        now = _now()
        try:
            self._add(
                tables.delivery,
                sector=sector,
                delivery=delivery,
                state=state,
                n_listed=n_listed,
                listing_sha256=listing_sha256,
                first_seen_utc=now,
                changed_utc=now,
                facts=facts or {},
            )
        except IntegrityError:
            return False
        return True

    def move_delivery(self, seen: Delivery, **changes: Any) -> bool:
        """Change a delivery unless somebody else changed it since it was read.

        Parameters
        ----------
        seen
            The delivery as it was read.
        changes
            New values of its columns; ``facts`` are added to the ones there.
        """
        # never the same time twice: it is what tells one version of the row from the next
        changed = max(_now(), seen.changed_utc + timedelta(microseconds=1))
        values = changes | {"changed_utc": changed, "facts": seen.facts | changes.get("facts", {})}
        table = tables.delivery
        statement = (
            update(table)
            .where(table.c.sector == seen.sector, table.c.delivery == seen.delivery)
            .where(table.c.state == seen.state, table.c.changed_utc == seen.changed_utc)
            .values(**values)
        )
        with self._begin() as connection:
            return connection.execute(statement).rowcount == 1

    def record(
        self,
        step: str,
        sector: int,
        key: str,
        *,
        model_id: str = "",
        facts: dict[str, Any] | None = None,
    ) -> None:
        """Note what a step made; the same key twice in a row is noted once."""
        last = self.latest(step, sector, model_id)
        if last is None or last.key != key:
            self._add(
                tables.step_record,
                step=step,
                sector=sector,
                model_id=model_id,
                key=key,
                facts=facts or {},
                at_utc=_now(),
            )

    def latest(self, step: str, sector: int, model_id: str | None = None) -> StepRecord | None:
        """Newest record of a step for a sector (of one model, or of any)."""
        table = tables.step_record
        chosen = select(table).where(table.c.step == step, table.c.sector == sector)
        if model_id is not None:
            chosen = chosen.where(table.c.model_id == model_id)
        rows = self._rows(chosen.order_by(table.c.id.desc()).limit(1))
        return _step_record(rows[0]) if rows else None

    def records(self, step: str | None = None) -> list[StepRecord]:
        """All records, oldest first."""
        table = tables.step_record
        chosen = select(table).order_by(table.c.id)
        if step is not None:
            chosen = chosen.where(table.c.step == step)
        return [_step_record(row) for row in self._rows(chosen)]

    def add_decisions(self, decisions: list[dict[str, Any]]) -> int:
        """Append decisions: columns of `Decision` without ``at_utc``, the same ones of each."""
        now = _now()
        if decisions:
            with self._begin() as connection:
                connection.execute(
                    insert(tables.decision), [item | {"at_utc": now} for item in decisions]
                )
        return len(decisions)

    def decisions(self) -> list[Decision]:
        """All decisions ever made, oldest first."""
        rows = self._rows(select(tables.decision).order_by(tables.decision.c.id))
        return [Decision(**_without_id(row)) for row in rows]

    def add_promotion(self, **columns: Any) -> None:
        """Append a promotion: columns of `Promotion` without ``at_utc``, later ones if known."""
        self._add(tables.promotion, **columns, at_utc=_now())

    def promotions(self) -> list[Promotion]:
        """All promotions and refusals, oldest first."""
        rows = self._rows(select(tables.promotion).order_by(tables.promotion.c.id))
        return [Promotion(**_without_id(row)) for row in rows]

    def champion(self) -> Promotion | None:
        """The model in production: the newest promotion that was allowed."""
        allowed = [item for item in self.promotions() if item.action == "promoted"]
        return allowed[-1] if allowed else None

    def notice_once(self, subject: str, text: str) -> bool:
        """Note that a person is to be told; False if they have been already."""
        try:
            self._add(tables.notice, subject=subject, text=text, at_utc=_now())
        except IntegrityError:
            return False
        return True

    def notices(self) -> list[dict[str, Any]]:
        """All notices sent, oldest first: ``subject``, ``text``, ``at_utc``."""
        rows = self._rows(select(tables.notice).order_by(tables.notice.c.id))
        return [_without_id(row) for row in rows]

    def _add(self, table: Table, **values: Any) -> None:
        with self._begin() as connection:
            connection.execute(insert(table), [values])

    def _rows(self, statement: Any) -> list[dict[str, Any]]:
        with self._begin() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise ServiceUnavailable(
                "ledger database", found=str(error.orig), expected="an answer"
            ) from error


def open_ledger(url: str) -> Ledger:
    """Connect to the database; SQLite waits up to 30 s for other writers."""
    options: dict[str, Any] = {"timeout": 30} if url.startswith("sqlite") else {}
    return Ledger(create_engine(url, connect_args=options))


def _now() -> datetime:
    """UTC without a zone: SQLite keeps none."""
    return datetime.now(UTC).replace(tzinfo=None)


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


def _step_record(row: dict[str, Any]) -> StepRecord:
    return StepRecord(**_without_id(row))
