"""One word of one source about one star."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal["EB", "NOT_EB", "UNSURE"]
Source = Literal["person", "planet_host", "catalog", "simulated"]

SIMULATED_TIC = 900_000_000_000
"""Simulated stars are numbered from here on, far above the TESS Input Catalog (1.7e9 rows)."""

EB_TYPES = ("EA", "EB", "EW")
"""Detached, semi-detached and contact binaries, as CALNet's lists and the GCVS name them."""


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of a star beside its verdict; None where nothing is said."""

    period_d: float | None = None
    """Of the eclipses, or of whatever repeats [d]."""
    epoch_btjd: float | None = None
    """Middle of a deeper eclipse [BTJD]."""
    depth: float | None = None
    """Of the deeper eclipse, as a share of the light."""
    ra: float | None = None
    dec: float | None = None
    """Position, ICRS, epoch 2000 [deg]."""
    gaia: int | None = None
    """Source of a Gaia data release."""
    same_as: int | None = None
    """TIC number of another entry for the same star."""


NO_DETAILS = Details()
"""Of catalogs that only name stars."""


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """What one catalog says about one star."""

    tic: int
    verdict: Verdict
    eb_type: str
    """``EA``, ``EB``, ``EW`` or empty."""
    catalog: str
    """Name of the catalog, at most 64 characters."""
    source: Source
    note: str = ""
    """Why, in the catalog's own words."""
    details: Details = NO_DETAILS

    @property
    def simulated(self) -> bool:
        """Whether the star never was."""
        return self.tic >= SIMULATED_TIC


@dataclass(frozen=True, slots=True)
class Settled:
    """Records with the planet hosts taken out of the binaries."""

    records: tuple[LabelRecord, ...]
    """By star, one a star and catalog."""
    set_aside: tuple[LabelRecord, ...]
    """Words about hosts of known or confirmed planets, which nobody should count; one a star and
    catalog. The consensus does not hear them either, unless the word of the host is taken back."""


def settle(records: Iterable[LabelRecord]) -> Settled:
    """Set aside what calls the host of a known or confirmed planet a binary.

    CALNet's training list calls 88 such hosts binaries, its list of discoveries 523: whoever
    takes either for truth rewards calling planets binaries.

    Parameters
    ----------
    records
        Of all catalogs together: hosts are known from one, binaries from others.
    """
    said: dict[tuple[int, str], list[LabelRecord]] = {}
    for record in sorted(records, key=lambda item: (item.tic, item.catalog, item.verdict)):
        said.setdefault((record.tic, record.catalog), []).append(record)
    hosts = {r.tic for words in said.values() for r in words if r.source == "planet_host"}
    set_aside, kept = [], []
    for words in said.values():
        host = [record for record in words if record.source == "planet_host"]
        if host:
            kept.append(host[0])
        elif words[0].tic in hosts:
            set_aside.append(_one(words))
        else:
            kept.append(_one(words))
    return Settled(tuple(kept), tuple(set_aside))


def _one(words: list[LabelRecord]) -> LabelRecord:
    """What to hear of a catalog, also of one that contradicts itself."""
    if len(words) == 1:
        return words[0]
    verdicts = "/".join(record.verdict for record in words)
    return replace(words[0], verdict="UNSURE", eb_type="", note=f"{verdicts} in one catalog")
