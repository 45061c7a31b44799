"""How networks do on real stars: injected eclipses, and every labelled one.

``python -m tests.bench.real_stars`` simulates whole sectors, puts eclipses of known truth on the
real quiet light curves of `../shared/data`, trains the contestants and lets them judge base stars
that none has seen, simulated stars, and the labelled stars. An hour and more of CPU, so it is no
part of ``make bench``. What is done stays in `var/bench/real_stars/` and is not done again: remove
the folder to begin anew. ``--only published`` shares the work among processes, ``--report`` only
tells what is there; `real_stars_report` says how.
"""

import argparse
import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import RejectedInput
from calnet_ops.science.features import VERSIONS
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.network.settings import COMPACT, DEMO, PUBLISHED, Settings
from calnet_ops.simulator.injection import (
    MadeStar,
    make_binary,
    make_other,
    make_planet,
    side_of,
)
from calnet_ops.simulator.lifelike import Lifelike, heated
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import DEFAULT_MIX, Kind, allot_kinds
from calnet_ops.simulator.spots import spotted_flux
from calnet_ops.simulator.stars import own_tic
from tests.bench.features_versions import Sky

if TYPE_CHECKING:
    from calnet_ops.science.network.samples import Samples

OUT = Path("var/bench/real_stars")
REAL = Path("../shared/data")

SKIES = {
    "train": (Sky(14, 350, 21), Sky(60, 350, 21)),
    "validation": (Sky(20, 75, 22), Sky(66, 75, 22)),
    "test": (Sky(26, 400, 23), Sky(72, 400, 23)),
}
"""Simulated sectors, of which no star is in two sets and none in those of `features_versions`."""

LIFE: dict[str, Lifelike | None] = {"simulated": None, "lifelike": Lifelike()}
"""What the simulated stars of a set have learned from real ones."""

SEED = 8
"""Of the sides of the base stars: this one puts pulsators and stars of each sector on all of them,
which was looked at before anything was trained."""

PER_STAR = {
    "injected": {"train": 40, "validation": 30, "test": 60},
    "dressed": {"train": 120},
    "transits": {"train": 30},
}
"""Binaries made of each base star, and as many others; of "transits" these alone."""

SPOTTED_SHARE = 0.3
"""Of the "dressed" binaries: spots of their own, as half of the simulated cool ones have."""

QUIET_KINDS = frozenset({"CONSTANT", "SPOTTED", "DSCT", "FLARE", "RAMP"})
"""Simulated stars that can carry injections."""


@dataclass(frozen=True)
class Contestant:
    """What is trained on what."""

    features: str
    settings: Settings
    sets: tuple[str, ...]
    """Of `LIFE` and `PER_STAR`."""
    seeds: tuple[int, ...] = (1,)
    half: bool = False
    """Every other star of the training sets: the published network takes long to train."""


LAST = replace(PUBLISHED, n_kept_from=1)
"""As its authors did: the weights after 30 epochs, whatever validation says."""

CONTESTANTS = {
    "published": Contestant("v1", PUBLISHED, ("simulated", "injected"), half=True),
    "published, last epoch": Contestant("v1", LAST, ("simulated", "injected"), half=True),
    "demo v1": Contestant("v1", DEMO, ("simulated", "injected"), (1, 2), half=True),
    "demo v2": Contestant("v2", DEMO, ("simulated", "injected"), (1, 2), half=True),
    "real noise": Contestant("v2", COMPACT, ("lifelike", "dressed", "transits")),
    "real noise, no transits": Contestant("v2", COMPACT, ("lifelike", "dressed")),
    "simulation": Contestant("v2", COMPACT, ("simulated",)),
    "lifelike simulation": Contestant("v2", COMPACT, ("lifelike",)),
    "remade simulation": Contestant("v2", COMPACT, ("lifelike", "remade")),
    "best": Contestant("v2", COMPACT, ("lifelike", "remade", "passing"), (1, 2)),
    "published, stars of the best": Contestant("v1", LAST, ("lifelike", "remade", "passing")),
    "best, stars of the published": Contestant(
        "v2", COMPACT, ("simulated", "injected"), (1, 2), half=True
    ),
}
"""The first four learn from the same stars, simulated ones and injections on real ones; those of
"real noise" from the same base stars and as many simulated ones, drawn in another way; the next
four from no real light curve at all; the last two tell networks from what they learn from."""

JUDGED = (
    *("validation injected", "test simulated", "test lifelike", "test injected on simulated"),
    *("test injected", "real"),
)
"""Sets that every network scores."""

COLUMNS = ("star", "base", "kind", "period", "depth", "tmag")


class Row(NamedTuple):
    """A star of a set: its light curve and what is true of it."""

    curve: LightCurve
    star: int
    base: int
    kind: str
    period: float = np.nan
    depth: float = np.nan


def main() -> None:
    """Do what is asked for, and report on what is there."""
    from tests.bench.real_stars_report import report

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=CONTESTANTS, nargs="*", default=list(CONTESTANTS))
    parser.add_argument("--report", action="store_true", help="train nothing")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    for name in [] if asked.report else asked.only:
        for seed in CONTESTANTS[name].seeds:
            if not (folder_of(name, seed) / "scores.npz").exists():
                train_and_judge(name, seed)
    report()


def features(version: str, part: str) -> Any:
    """Features of a set, one row a segment; light curves that give none are left out."""
    file = OUT / f"features-{version}-{part.replace(' ', '-')}.npz"
    if not file.exists():
        flux, power, facts = [], [], []
        for row in stars_of(part):
            try:
                segments = VERSIONS[version](row.curve)
            except RejectedInput:
                continue
            flux += [one.flux for one in segments]
            power += [one.power for one in segments]
            facts += [(*row[1:], row.curve.tmag)] * len(segments)
        columns = dict(zip(COLUMNS, map(np.array, zip(*facts, strict=True)), strict=True))
        whole = file.with_suffix(".part.npz")
        columns |= {"flux": np.array(flux), "power": np.array(power)}
        np.savez(whole, allow_pickle=False, **columns)
        whole.rename(file)
    return np.load(file)


def stars_of(part: str) -> Iterator[Row]:
    """Stars of a set by its name: a side, and how they are made."""
    side, _, what = part.partition(" ")
    if part == "real":
        return labelled()
    if what in LIFE:
        return simulated(side, LIFE[what])
    if what in {"remade", "passing"}:
        return remade(side, transits=what == "passing")
    return on_simulated(side) if what == "injected on simulated" else on_real(side, what)


def simulated(side: str, life: Lifelike | None) -> Iterator[Row]:
    """Stars of whole simulated sectors, of the simulator's own mix."""
    for sky in SKIES[side]:
        for number, kind in enumerate(allot_kinds(DEFAULT_MIX, sky.n_star, sky.seed)):
            tic = own_tic(sky.sector, number)
            job = Job(Path(), sky.sector, tic, kind, sky.seed, compact=False, lifelike=life)
            yield Row(spoc.read(light_curve(job)[1]), tic, tic, kind.value)


def on_simulated(side: str) -> Iterator[Row]:
    """An injection on each quiet star of the simulated sectors, and the star itself."""
    for k, row in enumerate(simulated(side, None)):
        if row.kind in QUIET_KINDS:
            yield made(row.curve, make_binary, k, 2 * k)
            yield made(row.curve, make_other, 0, 2 * k + 1)


def remade(side: str, *, transits: bool) -> Iterator[Row]:
    """What is made of real stars for the test, made of lifelike simulated ones; or planets."""
    for k, row in enumerate(simulated(side, Lifelike())):
        if row.kind not in QUIET_KINDS:
            continue
        if transits:
            yield made(row.curve, make_planet, 0, k)
            continue
        for number in range(2):
            yield made(row.curve, make_binary, 2 * k + number, 8 * k + number)
        for number in range(1, 4):
            yield made(row.curve, make_other, number, 8 * k + 4 + number)


def on_real(side: str, what: str) -> Iterator[Row]:
    """Eclipses on the real quiet stars of a side, and what is made of these without any."""
    star = 0
    for curve in quiet():
        if side_of(curve.tic, SEED) != side:
            continue
        for k in range(PER_STAR[what][side]):
            star += 2
            if what == "transits":
                yield made(curve, make_planet, k, star)
            elif what == "injected":
                yield made(curve, make_binary, k, star)
                yield made(curve, make_other, k, star + 1)
            else:  # the star itself as often as its pieces dealt anew
                yield dressed(curve, k, star)
                yield made(curve, make_other, k % 2 if k % 4 < 2 else k, star + 1)


def made(curve: LightCurve, make: Any, k: int, star: int) -> Row:
    """The k-th star of its sort that is made of a light curve."""
    one: MadeStar = make(SEED, curve.tic, curve.sector, k, curve.time, curve.flux, curve.good)
    flux, flux_err = one.change.apply(curve.flux, curve.flux_err, curve.good)
    seen = replace(curve, flux=flux, flux_err=flux_err)
    period, depth = (one.truth.get(name, np.nan) for name in ("period_d", "depth"))
    return Row(seen, star, curve.tic, one.kind, period, depth)


def dressed(curve: LightCurve, k: int, star: int) -> Row:
    """The k-th binary, some with spots of their own, a few with a heated companion instead."""
    row = made(curve, make_binary, k, star)
    rng = np.random.default_rng([SEED, curve.tic, curve.sector, k, 2])
    time = np.where(np.isfinite(curve.time), curve.time, np.nanmin(curve.time))
    if row.kind == Kind.EA.value and (other := heated(rng, time)) is not None:
        flux, flux_err = curve.flux * other.flux, curve.flux_err * other.flux
        seen = replace(curve, flux=flux, flux_err=flux_err)
        return Row(seen, star, curve.tic, row.kind, other.period, other.depth_1)
    if rng.random() < SPOTTED_SHARE:
        turn = row.period * float(rng.normal(1, 0.01))
        spots = spotted_flux(rng, time, turn, float(np.exp(rng.normal(np.log(0.008), 0.7))))
        row = row._replace(curve=replace(row.curve, flux=row.curve.flux * spots))
    return row


def quiet() -> Iterator[LightCurve]:
    """Real two-minute light curves of stars that are in no list of binaries."""
    for row in manifest():
        if row["label"] == "NONEB":
            yield spoc.read((REAL / row["path"]).read_bytes())


def labelled() -> Iterator[Row]:
    """Real two-minute light curves with their labels."""
    for row in manifest():
        curve = spoc.read((REAL / row["path"]).read_bytes())
        yield Row(curve, curve.tic, curve.tic, f"real {row['label']}")


def manifest() -> list[dict[str, str]]:
    """Rows of the two-minute light curves."""
    with (REAL / "manifest.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["path"].startswith("tess/")]


def is_eb(kind: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Which stars are binaries."""
    return np.isin(kind, [one.value for one in Kind if one.is_eb] + ["real EB"])


def samples(version: str, parts: list[str], *, half: bool = False) -> "Samples":
    """Segments of some sets together."""
    from calnet_ops.science.network.samples import Samples

    rows = [features(version, part) for part in parts]
    star, kind, flux, power = (
        np.concatenate([row[name] for row in rows]) for name in ("star", "kind", "flux", "power")
    )
    kept = star // 2 % 2 == 0 if half else np.full(len(star), fill_value=True)
    return Samples(flux[kept], power[kept], is_eb(kind[kept]))


def train_and_judge(name: str, seed: int) -> None:
    """Train one network; keep it, and its scores of all that it has not seen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.portable import portable
    from calnet_ops.science.network.saved import scoring

    one, out = CONTESTANTS[name], folder_of(name, seed)
    learned = samples(one.features, [f"train {what}" for what in one.sets], half=one.half)
    judges = dict.fromkeys("injected" if what in PER_STAR else what for what in one.sets)
    unseen = samples(one.features, [f"validation {what}" for what in judges])
    model, _ = train_fresh(learned, unseen, replace(one.settings, seed=seed), print)
    out.mkdir(parents=True, exist_ok=True)
    portable(model).save(out / "calnet.keras")
    score = scoring(model)
    scores = {}
    for part in JUDGED:
        rows = features(one.features, part)
        scores[part] = score(rows["flux"], rows["power"])
    np.savez(out / "scores.npz", allow_pickle=False, **scores)
    bases = [curve.tic for curve in quiet() if side_of(curve.tic, SEED) != "test"]
    facts = {"features": one.features, "simulated": True}
    facts["learned_from"] = bases if set(one.sets) & set(PER_STAR) else []
    (out / "model.json").write_text(json.dumps(facts))


def folder_of(name: str, seed: int) -> Path:
    """What a network leaves behind."""
    plain = name.replace(",", "").replace(" ", "-")
    return OUT / f"{plain}-{seed}"


if __name__ == "__main__":
    main()
