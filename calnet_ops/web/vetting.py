"""What a vetter judges, in which order, and how a judgement is written down."""

import hashlib
import itertools
import math
import statistics
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from calnet_ops import keys
from calnet_ops.adapters.ledger import Decision
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.science.labels.consensus import WITHDRAWN
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO
from calnet_ops.web.candidates import champion_candidates, standing_decisions

PAUSE = timedelta(minutes=2)
"""A longer gap between two decisions is a break, not thinking."""

PACE_OF = 50
"""Decisions the pace is taken from: the last ones, as people get faster."""

HIDDEN = ("probability", "eb_type", "n_segment")
"""Columns that tell what the model thinks: shown once the vetter's own word is on disk."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the vetting page."""

    key: str
    """As `KeyboardEvent.key` spells it."""
    action: str
    what: str


KEYS = (
    Key("1", "EA", "EA: detached eclipsing binary"),
    Key("2", "EB", "EB: semi-detached, ellipsoidal"),
    Key("3", "EW", "EW: in contact"),
    Key("n", "NOT_EB", "not an eclipsing binary"),
    Key("u", "UNSURE", "unsure"),
    Key("z", "undo", "take back my last decision and judge again"),
    Key("ArrowRight", "next", "next star"),
    Key("ArrowLeft", "previous", "previous star"),
    Key("p", "double", "fold at twice the period, and back"),
    Key("h", "half", "fold at half the period, and back"),
    Key("s", "sector", "next sector of the same star"),
    Key("t", "note", "write a note (Enter or Esc to leave it)"),
    Key("?", "help", "these keys"),
)
"""The whole key map, on the page and in `docs/vetting.md`; a test looks for collisions."""


class Judgement(BaseModel):
    """What the page sends: the vetter's word on one star."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tic: int
    sector: int
    verdict: Literal["EB", "NOT_EB", "UNSURE", "WITHDRAWN"]
    eb_type: Literal["EA", "EB", "EW", ""] = ""
    note: str = Field(default="", max_length=1024)

    @model_validator(mode="after")
    def type_goes_with_eb(self) -> Self:
        """Refuse a type of anything but an eclipsing binary, and one without a type."""
        if (self.verdict == "EB") != bool(self.eb_type):
            raise ValueError("eb_type goes with the verdict EB, and only with it")
        return self


def vetting_queue(platform: Platform, vetter: str) -> dict[str, Any]:
    """All candidate stars in this vetter's own order, with what the vetter said of them.

    Returns
    -------
    queue
        ``stars``: ``tic``, ``sectors``, ``verdict`` and ``eb_type`` (empty if not judged);
        ``judged``: TIC numbers, the last one judged last; ``pace_s``.

    Notes
    -----
    The order is a hash of vetter and star: it tells nothing of the model's opinion, and two
    vetters do not tire on the same stars.
    """
    candidates = champion_candidates(platform)
    own = [item for item in platform.ledger.decisions() if item.vetter == vetter]
    standing = {tic: item for (tic, _), item in standing_decisions(own).items()}
    stars = [
        {
            "tic": tic,
            "sectors": sorted(candidates[tic], reverse=True),
            "verdict": standing[tic].verdict if tic in standing else "",
            "eb_type": standing[tic].eb_type if tic in standing else "",
        }
        for tic in sorted(candidates, key=lambda tic: _order(vetter, tic))
    ]
    judged = sorted(standing.values(), key=lambda item: item.at_utc)
    return {
        "stars": stars,
        "judged": [item.tic for item in judged if item.tic in candidates],
        "pace_s": pace_s(own),
    }


def star_facts(platform: Platform, vetter: str, tic: int, sector: int) -> dict[str, Any]:
    """Row of a candidate, without the model's opinion until this vetter has judged the star.

    Raises
    ------
    MissingInput
        If the star is no candidate of the champion in this sector.
    """
    row, own = _row(platform, tic, sector), platform.ledger.decisions()
    judged = (tic, vetter) in standing_decisions(own)
    shown = row if judged else {name: row[name] for name in row if name not in HIDDEN}
    facts = {name: _plain(value) for name, value in shown.items()}
    epoch = facts.get("epoch_bjd_tdb")
    return facts | {"judged": judged, "epoch_btjd": None if epoch is None else epoch - BTJD_ZERO}


def record_judgement(platform: Platform, vetter: str, judgement: Judgement) -> dict[str, Any]:
    """Append the vetter's word to the ledger, and tell what the model thinks.

    Raises
    ------
    MissingInput
        If the star is no candidate of the champion in this sector.
    """
    row = _row(platform, judgement.tic, judgement.sector)
    decision = judgement.model_dump() | {
        "vetter": vetter,
        "source": "person",
        "simulated": bool(row.get("simulated")),
    }
    platform.ledger.add_decisions([decision])
    own = [item for item in platform.ledger.decisions() if item.vetter == vetter]
    return {
        "probability": _plain(row.get("probability")),
        "eb_type": row.get("eb_type"),
        "pace_s": pace_s(own),
    }


def pace_s(decisions: list[Decision]) -> float | None:
    """Median seconds between a vetter's consecutive decisions; None before the second one."""
    moments = [
        item.at_utc for item in decisions if item.source == "person" and item.verdict != WITHDRAWN
    ][-PACE_OF:]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    seconds = [gap.total_seconds() for gap in gaps if gap < PAUSE]
    return round(statistics.median(seconds), 1) if seconds else None


def key_map() -> list[dict[str, str]]:
    """`KEYS` as the page reads them."""
    return [asdict(item) for item in KEYS]


def _row(platform: Platform, tic: int, sector: int) -> dict[str, Any]:
    row = champion_candidates(platform).get(tic, {}).get(sector)
    if row is None:
        raise MissingInput(
            f"TIC {tic} in {keys.sector_key(sector)}",
            found="no candidate of the champion",
            expected="a candidate",
        )
    return row


def _order(vetter: str, tic: int) -> bytes:
    return hashlib.sha256(f"{vetter} {tic}".encode()).digest()


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
