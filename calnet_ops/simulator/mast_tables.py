"""The two tables that MAST and MIT publish beside a sector's light curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calnet_ops.simulator.photometry import cdpp
from calnet_ops.simulator.pointing import Pointing
from calnet_ops.simulator.stars import Star

CDPP_HOURS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.5, 5.0, 6.0, 7.5, 9.0, 10.5, 12.5, 15.0)
"""Durations of the CDPP table."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A star and its noise."""

    star: Star
    white: float
    """Scatter of one cadence, relative."""
    red: float
    """Correlated noise in an hour, relative."""


def cdpp_name(pointing: Pointing) -> str:
    """File name of a sector's CDPP table at MAST."""
    sector = f"s{pointing.sector:04d}"
    return f"tess{pointing.cdpp_stamp}-{sector}-{sector}-{pointing.cdpp_pin}_rms-cdpp.csv"


def target_list_name(pointing: Pointing) -> str:
    """File name of a sector's target list at MIT."""
    return f"all_targets_S{pointing.sector:03d}_v1.csv"


def save_tables(folder: Path, pointing: Pointing, listed: Sequence[Listed]) -> None:
    """Write both tables, stars in order of their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(listed, key=lambda one: one.star.tic)
    names = ["rrmscdpp" + f"{hours:04.1f}".replace(".", "p") for hours in CDPP_HOURS]
    lines = [
        f"# Robust RMS CDPP [ppm], sector {pointing.sector}, simulated data",
        ",".join(["ticid", "tmag", *names]),
    ]
    for one in ordered:
        noise = (f"{cdpp(one.white, one.red, hours):.3f}" for hours in CDPP_HOURS)
        lines.append(",".join([str(one.star.tic), f"{one.star.tmag:.4f}", *noise]))
    _save(folder / cdpp_name(pointing), lines)
    lines = [
        "#",
        f"# Full target list for sector {pointing.sector}",
        f"# Created for files of {pointing.date}",
        "# Simulated data",
        "#",
        "TICID,Camera,CCD,Tmag,RA,Dec",
    ]
    for star in (one.star for one in ordered):
        place = f"{star.camera},{star.ccd},{star.tmag:.2f},{star.ra:.4f},{star.dec:.4f}"
        lines.append(f"{star.tic},{place}")
    _save(folder / target_list_name(pointing), lines)


def _save(path: Path, lines: Sequence[str]) -> None:
    """Write lines with LF endings."""
    path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
