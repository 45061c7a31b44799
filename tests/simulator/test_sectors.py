from collections import Counter

import numpy as np
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator.damage import TABLE_START
from calnet_ops.simulator.photometry import ROW
from calnet_ops.simulator.sectors import Job, light_curve, simulate_sector
from calnet_ops.simulator.signals import DEFAULT_MIX, Kind, allot_kinds
from calnet_ops.simulator.stars import own_tic
from calnet_ops.simulator.truth import load_truth


def read_table(body):
    n_row = int(body[body.index(b"NAXIS2  = ", 5760) + 10 :][:20])
    return np.frombuffer(body, ROW, n_row, TABLE_START)


def write(folder, sector=61, **options):
    settings = {"n_star": 20, "seed": 5, "compact": True, "workers": 1} | options
    return simulate_sector(folder, sector, **settings)


def bytes_of(report):
    return {row.file_name: (report.folder / row.file_name).read_bytes() for row in report.truth}


def texts(rows):
    """Rows as texts, since NaN is not equal to NaN."""
    return [str(row) for row in rows]


def test_the_number_of_workers_changes_no_byte(tmp_path):
    alone, together = (write(tmp_path / str(n), n_star=10, workers=n) for n in (1, 2))
    assert bytes_of(alone) == bytes_of(together)
    assert texts(alone.truth) == texts(together.truth)


def test_another_seed_is_another_sky(tmp_path):
    one, other = write(tmp_path / "1"), write(tmp_path / "2", seed=6)
    assert set(bytes_of(one).values()).isdisjoint(bytes_of(other).values())


def test_the_same_stars_are_observed_again_in_another_sector(tmp_path):
    first = write(tmp_path)
    again = write(tmp_path, 63, first_tic=own_tic(61, 0))
    for old, new in zip(first.truth, again.truth, strict=True):
        assert (old.tic, old.kind, old.ra, old.tmag) == (new.tic, new.kind, new.ra, new.tmag)
        if old.is_eb:
            assert old.period == new.period
            revolutions = (new.epoch_btjd - old.epoch_btjd) / old.period
            assert revolutions == pytest.approx(round(revolutions), abs=1e-6)


def test_kinds_are_dealt_exactly_as_asked():
    dealt = Counter(allot_kinds(DEFAULT_MIX, 200, seed=3))
    assert {kind.value: n for kind, n in dealt.items()} == {
        kind: round(200 * share) for kind, share in DEFAULT_MIX.items()
    }


@pytest.mark.parametrize("mix", [{"QUASAR": 1.0}, {"EA": -1.0, "EB": 2.0}, {"EA": 0.0}])
def test_a_mix_that_makes_no_sense_is_refused(mix):
    with pytest.raises(WrongConfiguration):
        allot_kinds(mix, 10, seed=1)


def test_truth_is_never_written_where_it_would_be_served(tmp_path):
    with pytest.raises(WrongConfiguration, match="served"):
        write(tmp_path, truth=tmp_path / "s061" / "truth.csv")


def test_truth_of_several_sectors_shares_a_file(tmp_path):
    truth = tmp_path / "truth.csv"
    reports = [write(tmp_path / "sky", sector, truth=truth) for sector in (61, 62, 61)]
    assert texts(load_truth(truth)) == texts([*reports[0].truth, *reports[1].truth])


def test_every_kind_is_there_and_only_ea_eb_ew_are_eclipsing_binaries(simulated_sector):
    kinds = {row.kind: row for row in simulated_sector.truth}
    assert set(kinds) == {kind.value for kind in Kind}
    assert {kind for kind, row in kinds.items() if row.is_eb} == {"EA", "EB", "EW"}
    assert texts(load_truth(simulated_sector.truth_file)) == texts(simulated_sector.truth)


def test_compact_light_curves_have_two_segments_of_more_than_two_thousand_good_cadences(
    simulated_sector,
):
    for path in simulated_sector.files:
        table = read_table(path.read_bytes())
        good = (table["QUALITY"] == 0) & np.isfinite(table["PDCSAP_FLUX"])
        time = table["TIME"][good].astype(float)
        pieces = np.split(time, np.flatnonzero(np.diff(time) >= 0.75) + 1)
        assert [len(piece) > 2200 for piece in pieces] == [True, True]


def test_noise_follows_the_magnitude(tmp_path):
    for index in range(6):
        job = Job(tmp_path, 30, own_tic(30, index), Kind.CONSTANT, seed=9, compact=True)
        _, body, star, _, _ = light_curve(job)
        table = read_table(body)
        flux = table["PDCSAP_FLUX"][table["QUALITY"] == 0].astype(float)
        scatter = 1.4826 * np.median(np.abs(np.diff(flux))) / np.sqrt(2) / np.median(flux)
        expected = np.median(table["PDCSAP_FLUX_ERR"][table["QUALITY"] == 0]) / np.median(flux)
        assert scatter == pytest.approx(expected, rel=0.15)
        # zero point of real files, 20.5
        assert star.tmag + 2.5 * np.log10(np.median(flux)) == pytest.approx(20.52, abs=0.05)


def test_the_centroid_moves_while_a_neighbour_is_eclipsed(tmp_path):
    shifts = []
    for index in range(12):
        job = Job(tmp_path, 30, own_tic(30, index), Kind.BLEND, seed=9, compact=True)
        _, body, _, signal, _ = light_curve(job)
        table = read_table(body)
        good = table["QUALITY"] == 0
        assert signal.neighbour is not None
        inside = good & (signal.neighbour > 0.5 * signal.neighbour.max())
        outside = good & (signal.neighbour == 0)
        if inside.sum() < 20:
            continue
        moved = [
            np.mean((table[f"MOM_CENTR{k}"] - 0.9 * table[f"POS_CORR{k}"])[inside])
            - np.mean((table[f"MOM_CENTR{k}"] - 0.9 * table[f"POS_CORR{k}"])[outside])
            for k in (1, 2)
        ]
        shifts.append(np.hypot(*moved) / np.mean(signal.neighbour[inside]))
    assert np.median(shifts) == pytest.approx(1.75, abs=1.0)  # neighbours lie 1 to 2.5 pixels away


def test_tables_beside_the_light_curves_have_the_names_and_columns_of_mast(simulated_sector):
    mast = simulated_sector.folder / "mast"
    assert sorted(path.name for path in mast.iterdir()) == [
        "all_targets_S087_v1.csv",
        "tess2024353124928-s0087-s0087-00961_rms-cdpp.csv",
    ]
    targets = (mast / "all_targets_S087_v1.csv").read_text().splitlines()
    assert [line[0] for line in targets[:5]] == ["#"] * 5
    assert targets[5] == "TICID,Camera,CCD,Tmag,RA,Dec"
    assert len(targets) == 6 + 12
    noise = next(mast.glob("*_rms-cdpp.csv")).read_text().splitlines()
    assert noise[1].startswith("ticid,tmag,rrmscdpp00p5,rrmscdpp01p0")
    assert noise[1].endswith("rrmscdpp12p5,rrmscdpp15p0")
