"""The play: servers, a labelled sky, a model, a new sector, a release."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from calnet_ops.adapters.scheduler import DagRun
from calnet_ops.cli.demo import cast
from calnet_ops.cli.demo.plan import Plan
from calnet_ops.cli.demo.stage import Stage
from calnet_ops.cli.embedded import Embedded, lay_out, set_up_state, set_up_webhook
from calnet_ops.cli.supervisor import Supervisor
from calnet_ops.errors import HaltError, WrongConfiguration
from calnet_ops.keys import sector_key
from calnet_ops.platform import Platform, open_platform
from calnet_ops.steps.stored_attributions import ATTRIBUTED

DEMO_SETTINGS = {
    "CALNET_DETECT_EVERY_S": "10",  # instead of 6 hours
    "CALNET_STABLE_FOR_S": "5",  # instead of 24 hours
    "CALNET_WATCH_EVERY_S": "60",  # instead of 5 minutes; the webhook is faster anyway
    "CALNET_RECIPE": "demo",  # instead of the published 30 epochs
    "CALNET_REQUESTS_PER_S": "1000",  # the archive is a mirror on this machine
}
"""A person does not wait for the archive's own pace."""

FAULTS = {"seed": 2, "files": {"bad at first": 0.01, "missing at first": 0.01}}
"""What is wrong at the mirror: of some files the archive has lost bytes, of some all; the public
bucket has them whole, so that they are seen to be recovered. With this seed the simulated files
that are damaged for good are not among them."""

LOOKS_BEFORE_ANSWER = 3
"""Looks, a second apart, at a question before it is answered. An answer within the moment in which
Airflow puts the task to rest was seen to be lost; the task then asks again."""


class RunFailed(HaltError):
    """A DAG run failed."""

    reason = "DAG run failed"


@dataclass
class Play:
    """A demonstration under way.

    Parameters
    ----------
    installation, platform
        The servers, and the way to talk to them.
    plan
        What is played.
    stage
        Shows it.
    """

    installation: Embedded
    platform: Platform
    plan: Plan
    stage: Stage

    @property
    def archive(self) -> Path:
        """Folder that the mirror serves."""
        return self.installation.folder / "archive"

    @property
    def backstage(self) -> Path:
        """Sectors that have not appeared yet."""
        return self.installation.folder / "backstage"

    @property
    def truth(self) -> Path:
        """What the simulated stars really are; the platform never reads it, except as labels."""
        return self.installation.folder / "truth"

    def run_act_one(self) -> None:
        """From labelled sectors to a model in production."""
        from calnet_ops.steps.features_version import version_to_extract

        with self.stage.step(f"ingest of {_names(self.plan.first)}, their features"):
            features = f"features-{version_to_extract(self.platform)}"
            self.wait_for_records(features, self.plan.first, "")
        with self.stage.step("labels loaded and frozen to a set"):
            cast.load_labels(self.platform, self.plan, self.truth)
        with self.stage.step("CALNet trained, registered in MLflow, judged by the gate"):
            self.wait_for_runs("retrain", 1)
        with self.stage.step("promotion to champion (this demonstration stands in for a person)"):
            cast.promote(self.platform)
            self.stage.wait(self.platform.ledger.champion, "watch_promotion to note the champion")

    def run_act_two(self) -> None:
        """From a new sector on the archive to a published release."""
        self.raise_curtain()
        later = _names(self.plan.later)
        with self.stage.step(f"{later} found by detect_sectors on its own"):
            self.stage.wait(self.is_listed, f"detect_sectors to list {later}")
        with self.stage.step(
            f"ingest, checks and scores of {later}; {_names(self.plan.first)} again"
        ):
            champion = self.platform.ledger.champion()
            model_id = champion.model_id if champion else ""
            self.wait_for_records(ATTRIBUTED, (*self.plan.first, *self.plan.later), model_id)
        with self.stage.step("vetting (simulated decisions, recorded as such)"):
            cast.vet(self.platform, self.plan, self.truth)
        with self.stage.step("release staged, approved (by this demonstration) and published"):
            self.publish()
            self.wait_for_runs("audit", 1)

    def raise_curtain(self) -> None:
        """Let the later sectors appear in the archive, all files at once."""
        mast = self.backstage / "mast"
        if mast.exists():
            shutil.copytree(mast, self.archive / "mast", dirs_exist_ok=True)
        for sector in self.plan.later:
            name = sector_key(sector)
            (self.backstage / name).rename(self.archive / name)

    def is_listed(self) -> bool | None:
        """Whether all later sectors are past the state `appearing`."""
        seen = {item.sector: item.state for item in self.platform.ledger.deliveries()}
        return all(seen.get(s, "appearing") != "appearing" for s in self.plan.later) or None

    def wait_for_records(self, step: str, sectors: tuple[int, ...], model_id: str) -> None:
        """Wait until a step has left its record for each sector."""
        ledger = self.platform.ledger

        def look() -> bool | None:
            self.runs("ingest_sector")
            self.runs("score_sector")
            return all(ledger.latest(step, sector, model_id) for sector in sectors) or None

        self.stage.wait(look, f"{step} of {_names(sectors)}")

    def wait_for_runs(self, dag_id: str, count: int) -> None:
        """Wait until a DAG has succeeded so many times."""

        def look() -> bool | None:
            done = [run for run in self.runs(dag_id) if run["state"] == "success"]
            return len(done) >= count or None

        self.stage.wait(look, f"{dag_id} to succeed")

    def runs(self, dag_id: str) -> list[DagRun]:
        """Runs of a DAG; raises RunFailed at the first failed one."""
        runs = self.platform.scheduler.runs(dag_id)
        for run in runs:
            if run["state"] == "failed":
                raise RunFailed(
                    f"{dag_id} {run['run_id']}",
                    found="failed",
                    expected="success",
                    cure=f"Read {self.installation.folder / 'airflow' / 'logs'}.",
                )
        return runs

    def publish(self) -> None:
        """Start publish_release, answer its question, wait for its end."""
        scheduler = self.platform.scheduler
        run_id = scheduler.trigger_run("publish_release")
        scheduler.trigger_run("audit")  # a week is too long to wait for it
        asked = 0

        def look() -> bool | None:
            nonlocal asked
            self.runs("publish_release")
            if any(item["run_id"] == run_id for item in scheduler.waiting_approvals()):
                asked += 1
                if asked % LOOKS_BEFORE_ANSWER == 0:
                    note = "approved by the demonstration, which stands in for a person"
                    scheduler.approve("publish_release", run_id, "approve", "Approve", note)
            return scheduler.run_state("publish_release", run_id) == "success" or None

        self.stage.wait(look, "publish_release to ask, and to end")


@contextmanager
def open_play(folder: Path, plan: Plan, console: Console) -> Iterator[Play]:
    """Start all servers over an empty installation, and end them whatever happens."""
    with _alone_in(folder):
        _empty(folder)
        installation = lay_out(folder)
        environment = installation.environment(DEMO_SETTINGS)
        installation.enter(environment)
        platform = open_platform(installation.paths_file)
        with Supervisor(folder / "logs", environment) as supervisor:
            stage = Stage(console, supervisor.check, lambda: _pulse(platform))
            play = Play(installation, platform, plan, stage)
            try:
                with stage.step(
                    "servers started: S3, MLflow, mirror, Airflow, pages; sky simulated"
                ):
                    _start(play, supervisor)
                yield play
            except Exception as error:
                failed = {"ok": False, "error": str(error), "wall_s": round(stage.elapsed_s, 1)}
                (folder / "summary.json").write_text(json.dumps(failed, indent=1))
                raise


def _pulse(platform: Platform) -> list[tuple[str, str]]:
    """What the runs are at, but for those that the clock starts."""
    dags = ("ingest_sector", "score_sector", "retrain", "publish_release")
    return [(run["run_id"], run["state"]) for dag in dags for run in platform.scheduler.runs(dag)]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder against other demonstrations."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WrongConfiguration(
                str(folder),
                found="another demonstration under way in it",
                expected="none",
                cure="End it with Ctrl-C, or give another --folder.",
            ) from error
        yield


def _empty(folder: Path) -> None:
    """Empty the folder of an earlier demonstration, and no other."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "credentials.json").exists():
        raise WrongConfiguration(
            str(folder),
            found="files that are not of a demonstration",
            expected="a folder of an earlier one, an empty one or none",
            cure="Give another --folder: everything in it would be deleted.",
        )
    if folder.exists():
        shutil.rmtree(folder)


def _start(play: Play, supervisor: Supervisor) -> None:
    """Start servers and simulate stars at the same time: most of a start is waiting."""
    for folder in (play.archive, play.backstage, play.truth):
        folder.mkdir(parents=True)
    cast.set_up_real(play.plan, play.archive, play.backstage)
    store, mlflow, *others = play.installation.servers()
    supervisor.start(store)
    supervisor.start(mlflow)
    migration = supervisor.spawn("airflow-migrate", play.installation.migrate_airflow())
    commands = cast.sky_commands(play.plan, play.archive, play.backstage, play.truth)
    skies = {name: supervisor.spawn(name, command) for name, command in commands.items()}
    supervisor.wait_ready(store)
    set_up_state(play.platform)
    supervisor.finish("airflow-migrate", migration)
    for server in others:
        supervisor.start(server)
    for name, sky in skies.items():
        supervisor.finish(name, sky)
    # only now: a sector that is still being written is not what this demonstration is about
    faults = play.installation.folder / "faults.json"
    faults.write_text(json.dumps(FAULTS))
    mirror = play.installation.mirror(play.archive, faults)
    supervisor.start(mirror)
    for server in (mirror, mlflow, *others):
        supervisor.wait_ready(server)
    set_up_webhook(play.platform)


def _names(sectors: tuple[int, ...]) -> str:
    return ", ".join(sector_key(sector) for sector in sectors)
