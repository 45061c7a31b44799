"""The command that pulls a sector, before a real store and a mirror."""

import json
import subprocess
import sys

import pytest

from tests.support.s3_servers import s3_server
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

pytestmark = [pytest.mark.system, pytest.mark.enable_socket, pytest.mark.timeout(120)]

NAMES = [spoc_name(tic) for tic in (1, 2, 3)]
PAGE = b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"


def test_sector_is_pulled_and_files_are_asked_for_again(tmp_path):
    folder = tmp_path / "archive" / "s087"
    folder.mkdir(parents=True)
    for tic, name in enumerate(NAMES, 1):
        (folder / name).write_bytes(spoc_bytes(spoc_arrays(300, gap=None), tic=tic))
    sound = (folder / NAMES[1]).read_bytes()
    (folder / NAMES[1]).write_bytes(PAGE)
    with s3_server(tmp_path / "here", tmp_path / "archive") as server:

        def run(*options):
            command = (sys.executable, "-m", "calnet_ops.cli", "ingest", "87", *options, "--json")
            done = subprocess.run(
                command, env=server.environment, capture_output=True, text=True, check=False
            )
            return json.loads(done.stdout)

        first = run()
        assert (first["n_stored"], first["n_quarantined"]) == (2, {"not a FITS file": 1})
        assert (first["n_bad"], first["n_recovered"], first["n_request"]) == (1, 0, 5)
        assert first["pulled_bytes"] == 2 * len(sound) + 3 * len(PAGE)
        assert first["mb_per_s"] > 0
        again = run()
        assert (again["manifest"], again["n_request"]) == (first["manifest"], 0)
        (folder / NAMES[1]).write_bytes(sound)
        third = run("--again", NAMES[1], NAMES[2])
        assert (third["delivery"], third["n_stored"], third["n_unchanged"]) == (2, 3, 2)
        assert third["diff"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 2}
        assert (third["n_compared"], third["n_differ"], third["n_request"]) == (2, 0, 4)
        assert run("--again", "suspect")["ok"] is False
        assert run(NAMES[1])["error"]["reason"] == "wrong configuration"
