"""One word of one source about one star."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["EB", "NOT_EB", "UNSURE"]
Source = Literal["person", "planet_host", "catalog", "simulated"]

SIMULATED_TIC = 900_000_000_000
"""Simulated stars are numbered from here on, far above the TESS Input Catalog (1.7e9 rows)."""

EB_TYPES = ("EA", "EB", "EW")
"""Detached, semi-detached and contact binaries, as CALNet's lists and the GCVS name them."""


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
    """Words of "binary" about hosts of known or confirmed planets, which nobody should count."""


def settle(records: Iterable[LabelRecord]) -> Settled:
    """Set aside what calls the host of a known or confirmed planet a binary.

    CALNet's training list calls 88 such hosts binaries, its list of discoveries 523: whoever
    takes either for truth rewards calling planets binaries.

    Parameters
    ----------
    records
        Of all catalogs together: hosts are known from one, binaries from others.
    """
    once = {(record.tic, record.catalog, record.verdict): record for record in records}
    ordered = sorted(once.values(), key=lambda record: (record.tic, record.catalog, record.verdict))
    hosts = {record.tic for record in ordered if record.source == "planet_host"}
    set_aside = tuple(r for r in ordered if r.tic in hosts and r.source != "planet_host")
    kept = tuple(r for r in ordered if r.tic not in hosts or r.source == "planet_host")
    return Settled(kept, set_aside)
