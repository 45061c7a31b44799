"""Ingest that is killed, and a store that is: what was stored counts, and the end is the same."""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import pytest

from calnet_ops.cli.embedded import set_up_state
from calnet_ops.platform import Platform, open_platform
from calnet_ops.simulator.faults import Faults
from calnet_ops.simulator.faulty_mirror import FaultyMirror
from tests.faults.mixes import Mix, plain_files
from tests.faults.runs import Run, check
from tests.support.mirrors import serving
from tests.support.s3_servers import S3Server, s3_server

SECTOR, N_FILE = 87, 110
"""Two shards."""

FAULTS = {
    "seed": 5,
    "trouble": {"503": 0.02, "reset": 0.02, "short body": 0.02, "drip": 0.5},
    "max_per_url": 1,
    "files": {"bad at first": 0.04, "bad at both": 0.04, "missing at both": 0.03},
    "drip_s": 0.15,
}

N_KILL = 11

MOST_S = 120.0
"""Longest run of the command until it is given up; a whole one takes 10 s."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@dataclass
class Scene:
    """Servers, and an archive with a few faults."""

    s3: S3Server
    run: Run
    stored: set[str] = field(default_factory=set)
    """Names of the files that were in the store when somebody last looked."""
    n_seen: int = 0
    """Requests that the mirror had answered then."""

    def ingest(self) -> Popen[bytes]:
        """Start the command."""
        command = (sys.executable, "-m", "calnet_ops.cli", "ingest", str(SECTOR), "--json")
        return self.s3.supervisor.spawn("ingest", command)

    def n_asked(self) -> int:
        """Requests for light curves so far."""
        return sum(bool(asked.url.file_name) for asked in self.run.mirror.asked)

    def wait_for(self, happened: Callable[[], bool], process: Popen[bytes]) -> bool:
        """Wait until something has happened; False if the command ended before."""
        end = time.monotonic() + MOST_S
        while process.poll() is None:
            if happened():
                return True
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.005)
        return False

    def look(self) -> None:
        """Note what is in the store; nothing that was there before may have been asked for."""
        asked = self.run.mirror.asked[self.n_seen :]
        # HEAD is only the question whether the archive is up
        again = {item.url.file_name for item in asked if item.method == "GET"} & self.stored
        assert not again, "it was in the store"
        keys = self.run.store.iter_keys(f"tess/lc/s{SECTOR:03d}/")
        self.stored = {key.rpartition("/")[2] for key in keys}
        self.n_seen = len(self.run.mirror.asked)  # last: the command may go on meanwhile

    def restart_s3(self) -> None:
        """Kill the server, and start it again on what it had written."""
        self.kill_s3()
        time.sleep(0.5)
        self.s3.supervisor.start(self.s3.server)
        self.s3.supervisor.wait_ready(self.s3.server)
        set_up_state(self.run.platform)  # it answers before it can write

    def kill_s3(self) -> None:
        """End the server without a word."""
        process = self.s3.supervisor.running[self.s3.server.name]
        process.kill()
        process.wait()

    def last_words(self) -> str:
        """What the command said in the end."""
        return (self.s3.supervisor.folder / "ingest.log").read_text()[-3000:]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An S3 server and an archive; all processes are ended afterwards."""
    faults = Faults.model_validate(FAULTS)
    mix = Mix(5, {SECTOR: plain_files(SECTOR, N_FILE)}, faults=faults)
    mix.lay_out(tmp_path / "archive")
    mirror = FaultyMirror(tmp_path / "archive", faults, takes_notes=True)
    mirror.clock = lambda: 0.0
    with serving(mirror) as url, s3_server(tmp_path / "here") as s3:
        scene = Scene(s3, Run(mix, mirror, _pull_from(url, s3.platform)))
        yield scene
        scene.kill_s3()  # it takes its time to stop by itself


def _pull_from(url: str, platform: Platform) -> Platform:
    """The platform with another archive, also for the command."""
    file = platform.root / "paths.json"
    paths = json.loads(file.read_text())
    bases = dict.fromkeys(("pages", "products", "target_lists"), url)
    paths["archive"] = bases | {"second": {"endpoint": url, "bucket": "stpubdata"}}
    file.write_text(json.dumps(paths))
    changed = open_platform(file)
    changed.__dict__["store"] = platform.store
    return changed


def test_what_was_stored_before_a_kill_is_not_asked_for_again(scene):
    rng = random.Random(11)
    n_kill = 0
    for _ in range(40):
        process = scene.ingest()
        goal = scene.n_asked() + rng.choice([0, 1, 8, 16, 24, 32])
        if n_kill < N_KILL and scene.wait_for(lambda goal=goal: scene.n_asked() >= goal, process):
            time.sleep(rng.random() * (0.2 if goal else 4))  # at first also while it starts
            process.kill()
            n_kill += 1
        status = process.wait(MOST_S)
        scene.look()
        if status == 0:
            break
    assert status == 0, scene.last_words()
    assert n_kill >= 10
    _check(scene)


def test_a_store_that_was_killed_in_the_middle_and_is_back_loses_nothing(scene):
    process = scene.ingest()
    for n_asked in (20, 90, 200):
        while not scene.wait_for(lambda n=n_asked: scene.n_asked() >= n, process):
            assert process.returncode, "it ended too early"
            process = scene.ingest()
        scene.restart_s3()
        scene.look()
    for _ in range(5):
        if process.wait(MOST_S) == 0:
            break
        process = scene.ingest()
    assert process.wait(MOST_S) == 0, scene.last_words()
    scene.look()
    _check(scene)


def _check(scene: Scene) -> None:
    """The end is what it would have been without a kill."""
    delivery = scene.run.platform.ledger.delivery(SECTOR)
    assert delivery is not None
    assert delivery.state == "raw"
    scene.run.records.append(delivery.facts)
    check(scene.run, late_is_over=False)
