"""`model evaluate`: a folder of labelled light curves, one by one."""

import csv
import hashlib
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.cli.output import print_json
from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator.signals import Kind
from calnet_ops.steps.chosen_model import model_named
from tests.support.graphs import TINY


def evaluate(folder, *options, model=TINY):
    arguments = ["model", "evaluate", str(model), "--on", str(folder), *map(str, options)]
    return CliRunner().invoke(app, arguments)


def report_of(folder, *options, model=TINY):
    result = evaluate(folder, *options, "--json", model=model)
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def write_manifest(folder, rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def row_of(star, path, **facts):
    file = star.read_bytes()
    row = {"path": path, "tic": star.name.split("-")[2].lstrip("0"), "sector": 87}
    return {**row, "sha256": hashlib.sha256(file).hexdigest(), "bytes": len(file), **facts}


@pytest.fixture
def folder(simulated_sector, tmp_path):
    """An EB, a planet, a quiet star, one of which lists disagree; a missing, a changed file."""
    rows = []
    for kind, label, clean in (
        (Kind.EW, "EB", "True"),
        (Kind.EA, "EB", "False"),
        (Kind.PLANET, "PLANET", "False"),
        (Kind.CONSTANT, "NONEB", "True"),
        (Kind.SPOTTED, "AMBIGUOUS", "False"),
        (Kind.DSCT, "UNLABELLED", "False"),
    ):
        star = simulated_sector.file_of(kind)
        path = f"stars/{star.name}"
        (tmp_path / "stars").mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(star.read_bytes())
        rows.append(row_of(star, path, label=label, clean=clean, product="SPOC 2-min"))
    missing = {**rows[3], "path": "stars/gone.fits", "tic": "11"}
    changed = {**rows[3], "tic": "12", "sha256": "0" * 64}
    other = {**rows[3], "tic": "13"}
    page = {"path": "page.html", "tic": "14", "label": "EB", "product": "web"}
    (tmp_path / "page.html").write_text("<html>not here</html>")
    write_manifest(tmp_path, [*rows, missing, changed, other, page])
    return tmp_path


def test_every_labelled_star_is_judged_and_the_rest_is_told(folder, simulated_sector):
    report = report_of(folder, "--threshold", "0.0")
    stars = {star["tic"]: star for star in report["stars"]}
    binary = int(simulated_sector.file_of(Kind.EW).name.split("-")[2])
    assert len(stars) == 9
    assert stars[binary]["right"] is True
    assert stars[binary]["sectors"] == [87]
    assert report["summary"]["eb_found"] | {"low": 0, "high": 0} == {
        "n_right": 2, "n": 2, "share": 1.0, "low": 0, "high": 0, "n_not_judged": 1
    }  # fmt: skip
    assert report["summary"]["eb_found_hard"]["n_right"] == 1
    assert report["summary"]["planet_not_called"]["n_right"] == 0
    assert report["summary"]["quiet_not_called"] | {"low": 0, "high": 0} == {
        "n_right": 0, "n": 1, "share": 0.0, "low": 0, "high": 0, "n_not_judged": 3
    }  # fmt: skip
    (ambiguous,) = (star for star in stars.values() if star["label"] == "AMBIGUOUS")
    assert (ambiguous["called"], ambiguous["right"], ambiguous["counted"]) == (True, None, False)
    assert "no such file" in stars[11]["reason"]
    assert "found sha256" in stars[12]["reason"]
    assert "expected 13 (manifest)" in stars[13]["reason"]
    assert "not a FITS file" in stars[14]["reason"]
    assert set(report["by_product"]) == {"SPOC 2-min", "web"}
    assert len(report["mistakes"]) == 2
    assert (report["learned_from"], report["injected"]) == (None, None)


def test_with_a_threshold_that_nothing_reaches_all_binaries_are_missed(folder):
    summary = report_of(folder, "--threshold", "1.0")["summary"]
    assert summary["eb_found"]["n_right"] == 0
    assert summary["planet_not_called"]["n_right"] == summary["quiet_not_called"]["n_right"] == 1


def test_stars_that_a_model_learned_from_are_marked(folder, simulated_sector, tmp_path):
    binary = int(simulated_sector.file_of(Kind.EW).name.split("-")[2])
    model = tmp_path / "model"
    model.mkdir()
    (model / "calnet.tflite").write_bytes(TINY.read_bytes())
    (model / "model.json").write_text(json.dumps({"learned_from": [binary], "threshold": 0.25}))
    report = report_of(folder, model=model)
    marked = {star["tic"]: star["learned_from"] for star in report["stars"]}
    assert [tic for tic, learned in marked.items() if learned] == [binary]
    assert (report["learned_from"], report["threshold"]) == (1, 0.25)


@pytest.mark.parametrize("known", [["TIC 7"], 7, [10**30]])
def test_a_list_of_stars_learned_from_that_is_none_is_refused(folder, tmp_path, known):
    model = tmp_path / "model"
    model.mkdir()
    (model / "calnet.tflite").write_bytes(TINY.read_bytes())
    (model / "model.json").write_text(json.dumps({"learned_from": known}))
    with pytest.raises(WrongConfiguration, match="a list of TIC numbers"):
        raise evaluate(folder, model=model).exception


def test_a_person_sees_stars_shares_and_a_figure_of_the_mistakes(folder, tmp_path):
    result = evaluate(folder, "--threshold", "0.0", "--figure", tmp_path / "mistakes.png")
    assert result.exit_code == 0, result.exception
    assert "planet hosts not called binaries  0 of 1" in result.stdout
    assert (tmp_path / "mistakes.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n", "no column tic among path, label"),
        ("", "no column path, tic, label among none"),
        ("path,tic,label\na,1,\n", "no labelled file"),
        (f"path,tic,label,note\na,1,EB,{'x' * 200_000}\n", "field larger than field limit"),
    ],
)
def test_a_manifest_that_cannot_serve_is_refused(text, message, tmp_path):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(WrongConfiguration, match=message):
        raise evaluate(tmp_path).exception


def test_a_folder_without_manifest_or_model_is_refused(tmp_path):
    with pytest.raises(WrongConfiguration, match=r"no manifest\.csv"):
        raise evaluate(tmp_path).exception
    with pytest.raises(WrongConfiguration, match="no model in the folder"):
        model_named(str(tmp_path))


def test_where_the_manifest_is_instead_is_said(folder):
    with pytest.raises(WrongConfiguration, match="There is one in"):
        raise evaluate(folder / "stars").exception
    with pytest.raises(WrongConfiguration, match="Give the folder of the file"):
        raise evaluate(folder / "manifest.csv").exception
    with pytest.raises(WrongConfiguration, match="no such folder"):
        raise evaluate(folder / "elsewhere").exception


def strict(text):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_of_a_manifest_with_needed_columns_alone_nothing_is_made_up(folder, simulated_sector):
    """No share of nothing, no hard binaries if nobody says so, and no file without its reason."""
    binary = simulated_sector.file_of(Kind.EW)
    tic = binary.name.split("-")[2]
    path = f"stars/{binary.name}"
    rows = [(path, f"TIC {tic}", "eb"), (path, f"{tic}.0", "eb"), ("no.fits", 2, "")]
    rows += [("gone.fits", 3, "planet host"), ("x" * 5000, 4, "quiet"), (path, "²", "EB")]
    write_manifest(
        folder, [dict(zip((" Path", "TIC ", "Label"), row, strict=True)) for row in rows]
    )
    result = evaluate(folder, "--threshold", "0.0", "--json")
    assert result.exit_code == 0, result.exception
    report = strict(result.stdout)
    summary = report["summary"]
    assert (summary["eb_found"]["n"], summary["eb_found"]["n_not_judged"]) == (1, 1)
    assert summary["eb_found_clean"] == summary["eb_found_hard"] | {"n": 0}
    assert summary["planet_not_called"] == {
        "n_right": 0, "n": 0, "share": None, "low": None, "high": None, "n_not_judged": 1
    }  # fmt: skip
    assert report["left_out"] == ["no.fits"]
    reasons = {star["tic"]: star["reason"] for star in report["stars"]}
    assert "listed twice" in reasons[int(tic)]
    assert "found path 'gone.fits', no such file" in reasons[3]
    assert "cannot be read" in reasons[4]
    assert "found tic '²', expected a number" in reasons[0]
    (judged,) = (star for star in report["stars"] if star["tic"] == int(tic))
    once = report_of(folder, "--threshold", "0.0")["by_product"]["not told"]["eb_found"]["n"]
    assert (judged["clean"], len(judged["files"]), once) == (None, 2, 1)
    assert "binaries found" in evaluate(folder).stdout
    assert "sure ones" not in evaluate(folder).stdout


def test_json_has_no_numbers_that_are_none(capsys):
    print_json({"low": float("nan"), "rows": [(1, float("inf")), {"kept": np.float64(0.5)}]})
    assert strict(capsys.readouterr().out) == {"low": None, "rows": [[1, None], {"kept": 0.5}]}


def test_if_no_file_can_be_used_the_report_says_so_and_the_command_fails(tmp_path):
    write_manifest(tmp_path, [{"path": "gone.fits", "tic": 3, "label": "EB"}])
    result = evaluate(tmp_path, "--json")
    assert result.exit_code == 1
    assert strict(result.stdout)["summary"]["eb_found"]["share"] is None


def test_stars_whose_label_does_not_count_say_why(folder, simulated_sector):
    binary, other = (simulated_sector.file_of(kind) for kind in (Kind.EW, Kind.CONSTANT))
    rows = [row_of(binary, f"stars/{binary.name}", label=label) for label in ("EB", "quiet")]
    rows.append(row_of(other, f"stars/{other.name}", label="galaxy"))
    write_manifest(folder, rows)
    stars = report_of(folder)["stars"]
    assert ["found label EB/NONEB, expected" in star["reason"] for star in stars] == [True, False]
    assert "found label GALAXY" in stars[1]["reason"]
    assert [star["counted"] for star in stars] == [False, False]


def test_real_stars_are_judged_each_once(shared_data):
    report = report_of(shared_data, "--workers", "1")
    shares = {name: share["n"] + share["n_not_judged"] for name, share in report["summary"].items()}
    assert shares["eb_found"] == 6
    assert shares["quiet_not_called"] == 32
    assert shares["eb_found_hard"] == 2
    (host,) = (star for star in report["stars"] if star["tic"] == 38846515)
    assert (host["label"], len(host["files"]), host["called"]) == ("PLANET", 7, True)
