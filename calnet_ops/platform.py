"""The one place that reads `paths.json` and the environment and opens the adapters."""

import math
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calnet_ops import __version__
from calnet_ops.adapters.checkout import commit_of
from calnet_ops.errors import WrongConfiguration

if TYPE_CHECKING:
    from calnet_ops.adapters.archive import Archive, SecondSource, Throttle
    from calnet_ops.adapters.ledger import Ledger
    from calnet_ops.adapters.notify import Notifier
    from calnet_ops.adapters.registry import Registry
    from calnet_ops.adapters.scheduler import Scheduler
    from calnet_ops.adapters.signing import PublicKey, Signer
    from calnet_ops.adapters.store import Store
    from calnet_ops.science.evaluation.gate import Margins

PATHS_VARIABLE = "CALNET_PATHS"
"""Names the `paths.json` in force; without it, the one in the working folder."""

STABLE_FOR_S = 24 * 3600
"""The archive takes about 20 h to fill a sector (news of the TESS Science Support Center)."""

REPOLL_EVERY_S = 7 * 24 * 3600
"""Sectors were delivered again years after the first time; a week more does not matter."""

RETRAIN_LABELS = 200
"""Some days of vetting, or one catalog. The gate asks for 10 binaries on the test side (15% of the
stars): with fewer new labels no measure of a model moves beyond its interval."""

PUBLIC_BUCKET_HOST = "stpubdata.s3.us-east-1.amazonaws.com"
"""Where MAST redirects requests for light curves."""


class Places(BaseModel):
    """A block of `paths.json`: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecondPlaces(Places):
    """The bucket that is asked before a file is called bad."""

    endpoint: str | None = Field(None, description="URL of the S3 server; null for AWS")
    bucket: str = "stpubdata"


class ArchivePlaces(Places):
    """Base URLs of the archive; a mirror serves all three from one."""

    pages: str = Field(description="bulk download page, scripts and CDPP tables")
    products: str = Field(description="light curves: /api/v0.1/Download/file")
    target_lists: str = Field(description="planned targets of each sector")
    redirects: tuple[str, ...] = Field(
        (PUBLIC_BUCKET_HOST,), description="hosts that products may be redirected to besides these"
    )
    second: SecondPlaces | None = Field(None, description="second source of light curves, if any")


class StorePlaces(Places):
    """Where the objects are."""

    endpoint: str | None = Field(description="URL of the S3 server; null for AWS")
    bucket: str


class LinkPlaces(Places):
    """Addresses for people's browsers."""

    airflow: str
    mlflow: str


class Paths(Places):
    """All of `paths.json`: places only. Secrets come from the environment."""

    archive: ArchivePlaces
    store: StorePlaces
    database: str = Field(description="SQLAlchemy URL of the ledger")
    mlflow: str = Field(description="tracking server")
    airflow: str = Field(description="API server")
    web: str = Field(description="vetting and ops pages")
    work: str = Field(description="local folder for scratch files")
    links: LinkPlaces | None = Field(
        None, description="where browsers find Airflow and MLflow, if not where programs do"
    )


@dataclass(frozen=True)
class Platform:
    """Everything outside the process that a step may talk to, opened when first used."""

    paths: Paths
    root: Path
    """Folder of `paths.json`: relative places start here."""

    @cached_property
    def store(self) -> "Store":
        """Object store. Reads CALNET_S3_ACCESS_KEY and CALNET_S3_SECRET_KEY."""
        from calnet_ops.adapters.store import open_store

        return open_store(
            self.paths.store.endpoint,
            self.paths.store.bucket,
            secret("CALNET_S3_ACCESS_KEY"),
            secret("CALNET_S3_SECRET_KEY"),
        )

    @cached_property
    def ledger(self) -> "Ledger":
        """SQL database."""
        from calnet_ops.adapters.ledger import open_ledger

        prefix = "sqlite:///"
        url = self.paths.database
        if url.startswith(prefix):
            file = self.root / url.removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            url = f"{prefix}{file}"
        return open_ledger(url)

    @cached_property
    def archive(self) -> "Archive":
        """MAST, or a mirror of it. Tells it CALNET_CONTACT, whom to write to about our requests."""
        from calnet_ops.adapters.archive import open_archive

        places = self.paths.archive
        return open_archive(
            places.pages,
            places.products,
            places.target_lists,
            _contact(),
            redirects=places.redirects,
            requests_per_s=_positive("CALNET_REQUESTS_PER_S"),
            throttle=self.throttle,
            folder=self.work / "pages",
        )

    @cached_property
    def second_source(self) -> "SecondSource | None":
        """Public bucket of light curves; None if this installation names none."""
        from calnet_ops.adapters.archive import open_second_source

        second = self.paths.archive.second
        if second is None:
            return None
        return open_second_source(
            second.endpoint, second.bucket, _contact(), throttle=self.throttle
        )

    @cached_property
    def throttle(self) -> "Throttle":
        """Paces the bytes of light curves: CALNET_MAX_BYTES_PER_S, or what a task asks of it."""
        from calnet_ops.adapters.archive import Throttle

        return Throttle(self.max_bytes_per_s)

    @property
    def max_bytes_per_s(self) -> float | None:
        """Most that this process may take of the network, CALNET_MAX_BYTES_PER_S [bytes/s]."""
        return _positive("CALNET_MAX_BYTES_PER_S")

    def close(self) -> None:
        """Close the connections to the archive, if there are any."""
        for name in ("archive", "second_source"):
            if opened := self.__dict__.pop(name, None):
                opened.close()

    @cached_property
    def registry(self) -> "Registry":
        """MLflow. Reads MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD if it has a login."""
        from calnet_ops.adapters.registry import open_registry

        return open_registry(self.paths.mlflow)

    @cached_property
    def scheduler(self) -> "Scheduler":
        """Airflow's REST API. Reads CALNET_AIRFLOW_USER and CALNET_AIRFLOW_PASSWORD."""
        from calnet_ops.adapters.scheduler import open_scheduler

        return open_scheduler(
            self.paths.airflow, secret("CALNET_AIRFLOW_USER"), secret("CALNET_AIRFLOW_PASSWORD")
        )

    @cached_property
    def notifier(self) -> "Notifier":
        """Tells a person. Reads CALNET_WEBHOOK_URL; without it, notices stay in the ledger."""
        from calnet_ops.adapters.notify import open_notifier

        return open_notifier(os.environ.get("CALNET_WEBHOOK_URL", ""), self.ledger)

    @property
    def stable_for_s(self) -> float:
        """How long a listing must stay unchanged before it is believed, CALNET_STABLE_FOR_S [s].

        Raises
        ------
        WrongConfiguration
            If it is not a number.
        """
        return _seconds("CALNET_STABLE_FOR_S", STABLE_FOR_S)

    @property
    def repoll_every_s(self) -> float:
        """How often to ask whether files of an old sector changed, CALNET_REPOLL_EVERY_S [s].

        Raises
        ------
        WrongConfiguration
            If it is not a number.
        """
        return _seconds("CALNET_REPOLL_EVERY_S", REPOLL_EVERY_S)

    def now(self) -> datetime:
        """Wall clock, UTC without a zone, as the ledger keeps it."""
        return datetime.now(UTC).replace(tzinfo=None)

    def today(self) -> date:
        """Day of the wall clock, UTC: names the month of a release."""
        return datetime.now(UTC).date()

    @property
    def recipe(self) -> str:
        """Name of the settings to train with: CALNET_RECIPE, else the published ones."""
        return os.environ.get("CALNET_RECIPE", "published")

    @property
    def features(self) -> str:
        """Version of the features that new models learn from: CALNET_FEATURES, may be empty."""
        return os.environ.get("CALNET_FEATURES", "")

    @property
    def margins(self) -> "Margins":
        """How far models may fall behind: CALNET_MAX_LOSS, CALNET_MAX_PART_LOSS, or built in."""
        from calnet_ops.science.evaluation.gate import Margins

        asked = {"loss": _positive("CALNET_MAX_LOSS")}
        asked["part_loss"] = _positive("CALNET_MAX_PART_LOSS")
        return Margins(**{name: value for name, value in asked.items() if value is not None})

    @property
    def retrain_labels(self) -> int:
        """So many changed labels start a training, CALNET_RETRAIN_LABELS.

        Raises
        ------
        WrongConfiguration
            If it is no number above 0.
        """
        return math.ceil(_positive("CALNET_RETRAIN_LABELS") or RETRAIN_LABELS)

    @property
    def links(self) -> LinkPlaces:
        """Addresses to show to people."""
        return self.paths.links or LinkPlaces(airflow=self.paths.airflow, mlflow=self.paths.mlflow)

    @property
    def work(self) -> Path:
        """Local folder for scratch files, made if needed."""
        folder = self.root / self.paths.work
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def open_platform(file: Path | None = None) -> Platform:
    """Read `paths.json` and get ready to open what it names.

    Parameters
    ----------
    file
        The configuration; by default what CALNET_PATHS names, else ``paths.json``.

    Raises
    ------
    WrongConfiguration
        If the file is missing, not JSON, or has missing or unknown keys.
    """
    file = file or Path(os.environ.get(PATHS_VARIABLE, "paths.json"))
    try:
        paths = Paths.model_validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise WrongConfiguration(
            str(file),
            found="no such file",
            expected="the places of this installation",
            cure=f"Run in the project's folder or set {PATHS_VARIABLE}.",
        ) from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise WrongConfiguration(str(file), found=faults, expected="the keys of `Paths`") from error
    return Platform(paths, file.resolve().parent)


def _seconds(name: str, default: float) -> float:
    text = os.environ.get(name, str(default))
    if not text.replace(".", "", 1).isdigit():
        raise WrongConfiguration(
            f"environment variable {name}", found=repr(text), expected="seconds"
        )
    return float(text)


def secret(name: str) -> str:
    """A secret from the environment.

    Raises
    ------
    WrongConfiguration
        If it is not set.
    """
    value = os.environ.get(name, "")
    if not value:
        raise WrongConfiguration(
            f"environment variable {name}",
            found="nothing",
            expected="a secret",
            cure=f"Set {name}.",
        )
    return value


def code_version() -> str:
    """Version of this software, with the commit if it runs from a checkout: ``0.1.0+1a2b3c…``."""
    found = commit_of(Path(__file__).parents[1])
    return f"{__version__}+{found[:12]}" if found else __version__


def code_commit() -> str:
    """Commit of the checkout that this runs from; empty without one."""
    return commit_of(Path(__file__).parents[1])


def model_signer() -> "Signer | None":
    """Signs models with the key that CALNET_SIGNING_KEY holds or names; None without one.

    Raises
    ------
    WrongConfiguration
        If it is no key for that.
    """
    from calnet_ops.adapters.signing import open_signer

    name = "CALNET_SIGNING_KEY"
    text = os.environ.get(name, "")
    return open_signer(text, name) if text else None


def model_key() -> "PublicKey | None":
    """Checks models: CALNET_SIGNING_PUBLIC_KEY, else the public half of CALNET_SIGNING_KEY.

    Raises
    ------
    WrongConfiguration
        If it is no key for that.
    """
    from calnet_ops.adapters.signing import public_key

    for name in ("CALNET_SIGNING_PUBLIC_KEY", "CALNET_SIGNING_KEY"):
        if text := os.environ.get(name, ""):
            return public_key(text, name)
    return None


def _contact() -> str:
    return os.environ.get("CALNET_CONTACT", "")


def _positive(name: str) -> float | None:
    """Number in an environment variable; None if it is not set."""
    text = os.environ.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise WrongConfiguration(
            f"environment variable {name}", found=repr(text), expected="a number above 0"
        )
    return number
