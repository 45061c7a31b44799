"""`model inject`: a folder of stars made of real ones, which `model evaluate` takes."""

import csv
import io
import json

import pytest
from astropy.io import fits
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.simulator.injection import side_of
from calnet_ops.simulator.signals import Kind
from calnet_ops.steps.freeze import read_labels
from tests.support.graphs import TINY


def run(*arguments):
    return CliRunner().invoke(app, ["model", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(simulated_sector, tmp_path_factory):
    """Three quiet stars, one of them not clean, and a binary."""
    folder = tmp_path_factory.mktemp("stars")
    rows = ["path,tic,label,clean"]
    for kind, label, clean in (
        (Kind.CONSTANT, "NONEB", True),
        (Kind.SPOTTED, "NONEB", True),
        (Kind.PLANET, "NONEB", False),
        (Kind.EA, "EB", True),
    ):
        star = simulated_sector.file_of(kind)
        (folder / star.name).write_bytes(star.read_bytes())
        rows.append(f"{star.name},{star.name.split('-')[2].lstrip('0')},{label},{clean}")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def injected(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("injected") / "made"
    said = run("inject", folder, "--out", out, "--per-star", 4, "--seed", 3, "--json")
    assert said.exit_code == 0, said.exception
    return json.loads(said.stdout), out


def rows_of(out):
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_clean_quiet_stars_give_binaries_and_as_many_others(injected):
    record, out = injected
    rows = rows_of(out)
    assert (record["n_file"], record["n_binary"], record["n_base_star"]) == (16, 8, 2)
    assert len({row["tic"] for row in rows}) == 16
    assert {row["kind"] for row in rows if row["label"] == "EB"} == {"EA", "EB", "EW"}
    assert sum(row["kind"] == "quiet" for row in rows) == 2
    for row in rows:
        assert row["side"] == side_of(int(row["base_tic"]), 3)
        assert row["simulated"] == "True"
        assert bool(row["depth"]) == (row["label"] == "EB")


def test_no_base_star_is_on_two_sides_and_one_side_can_be_had_alone(folder, injected, tmp_path):
    sides: dict[str, set[str]] = {}
    for row in rows_of(injected[1]):
        sides.setdefault(row["base_tic"], set()).add(row["side"])
    assert all(len(found) == 1 for found in sides.values())
    wanted = next(iter(sides.values())).pop()
    out = tmp_path / "made"
    run("inject", folder, "--out", out, "--per-star", 2, "--seed", 3, "--side", wanted)
    assert {row["side"] for row in rows_of(out)} == {wanted}


def test_the_same_seed_gives_the_same_bytes(folder, injected, tmp_path):
    run("inject", folder, "--out", tmp_path / "again", "--per-star", 4, "--seed", 3)
    assert rows_of(tmp_path / "again") == rows_of(injected[1])
    run("inject", folder, "--out", tmp_path / "other", "--per-star", 4, "--seed", 4)
    digests = [{row["sha256"] for row in rows_of(one)} for one in (injected[1], tmp_path / "other")]
    assert len(digests[0] & digests[1]) == 4  # the stars themselves, and upside down


def test_the_folder_can_be_evaluated(injected):
    said = run("evaluate", TINY, "--on", injected[1], "--json")
    assert said.exit_code == 0, said.exception
    report = json.loads(said.stdout)
    assert report["not_judged"] == []
    assert (report["injected"]["n_binary"], report["injected"]["n_base_star"]) == (8, 2)
    found = report["injected"]["recall_at_false_positives"]["1%"]
    assert 0 <= found["all"]["all"]["low"] <= found["all"]["all"]["high"] <= 1
    assert set(found["type"]) == {"EA", "EB", "EW"}
    assert "recall at" in run("evaluate", TINY, "--on", injected[1]).stdout


def test_planets_are_no_binaries_and_numbers_can_begin_elsewhere(folder, tmp_path):
    options = ["--per-star", 1, "--planets", 2, "--first-tic", 960_000_000_000]
    run("inject", folder, "--out", tmp_path / "made", *options)
    rows = rows_of(tmp_path / "made")
    assert [row["label"] for row in rows] == ["EB", "NONEB", "PLANET", "PLANET"] * 2
    assert [int(row["tic"]) for row in rows] == list(range(960_000_000_000, 960_000_000_008))
    assert all(0 < float(row["depth"]) < 0.03 for row in rows if row["label"] == "PLANET")
    report = json.loads(run("evaluate", TINY, "--on", tmp_path / "made", "--json").stdout)
    assert report["summary"]["planet_not_called"]["n"] == 4
    assert report["injected"]["n_other"] == 2


def test_the_manifest_is_a_label_catalog_as_well(injected):
    records = read_labels(injected[1] / "manifest.csv").records
    assert [record.verdict for record in records].count("EB") == 8
    assert {record.eb_type for record in records if record.verdict == "EB"} == {"EA", "EB", "EW"}
    assert {record.source for record in records} == {"simulated"}


def test_what_cannot_carry_eclipses_is_told_and_the_others_go_on(simulated_sector, tmp_path):
    """Another star than listed, one of two labels, too few cadences, half a file, a file twice."""
    folder, rows = tmp_path / "stars", ["path,tic,label"]
    folder.mkdir()
    quiet, spotted, binary = (
        simulated_sector.file_of(kind) for kind in (Kind.CONSTANT, Kind.SPOTTED, Kind.EA)
    )
    tics = [int(star.name.split("-")[2]) for star in (quiet, spotted, binary)]
    for star, tic, label in (
        (quiet, tics[0], "quiet"),
        (quiet, tics[0], "quiet"),
        (spotted, tics[1], "NONEB"),
        (spotted, tics[1], "EB"),
        (binary, 5, "NONEB"),
    ):
        (folder / star.name).write_bytes(star.read_bytes())
        rows.append(f"{star.name},{tic},{label}")
    for name, body in (("half", quiet.read_bytes()[:9000]), ("short", short_curve(quiet))):
        (folder / name).mkdir()
        (folder / name / quiet.name).write_bytes(body)
        rows.append(f"{name}/{quiet.name},{tics[0]},NONEB")
    (folder / "manifest.csv").write_text("\n".join(rows))
    said = run("inject", folder, "--out", tmp_path / "made", "--per-star", 1, "--json")
    assert said.exit_code == 0, said.exception
    record = json.loads(said.stdout)
    assert {row["base_tic"] for row in rows_of(tmp_path / "made")} == {str(tics[0])}
    assert (record["n_file"], len(record["skipped"])) == (2, 5)
    told = " ".join(record["skipped"])
    for reason in ("listed twice", "two labels", "expected 5 (man", "truncated", "too few"):
        assert reason in told


def short_curve(file):
    """A light curve with a day of good cadences, in which no eclipse might ever fit."""
    with fits.open(file) as hdus:
        hdus[1].data["QUALITY"][720:] = 128
        for hdu in hdus:
            hdu.add_checksum()
        body = io.BytesIO()
        hdus.writeto(body)
    return body.getvalue()


def test_a_place_that_cannot_be_written_is_named(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongConfiguration, match="that can be written"):
        raise run("inject", folder, "--out", tmp_path / "file" / "made").exception


def test_what_cannot_be_done_is_refused_before_any_work(folder, injected, tmp_path):
    with pytest.raises(WrongConfiguration, match="not empty"):
        raise run("inject", folder, "--out", injected[1]).exception
    with pytest.raises(WrongConfiguration, match="train or validation or test"):
        raise run("inject", folder, "--out", tmp_path / "new", "--side", "left").exception
    (tmp_path / "manifest.csv").write_text("path,tic,label,clean\ngone.fits,5,NONEB,True\n")
    with pytest.raises(MissingInput, match="none that can be used"):
        raise run("inject", tmp_path, "--out", tmp_path / "new").exception
    assert not (tmp_path / "new").exists()
