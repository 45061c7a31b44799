"""Publish the catalog: stage what would be released, and release it when a person says so."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast

import structlog

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import ReleaseRefused
from calnet_ops.lineage import canonical_json, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.catalog.contents import SUMS, find_faults, write_contents
from calnet_ops.science.catalog.diff import compare
from calnet_ops.science.catalog.formats import FORMATS
from calnet_ops.steps.publish_contents import (
    MARK,
    build_release,
    collect_inputs,
    load_catalog,
)

VERSION = 1
"""Code version of the staging in the lineage."""

RELEASE_EVERY_D = 7
"""Days between releases by themselves: the pace of a TESS orbit half, and time enough for people
to vet what the last sector brought. By hand a release may be made at any time."""

MANIFEST = "release.json"
"""File of a release that says what it was made from."""

CHECKED = "validate-catalog"
"""Step in the ledger that says what Great Expectations found in a staged catalog."""

TYPES = {"parquet": "application/vnd.apache.parquet", "png": "image/png", "md": "text/markdown"}
TYPES |= {item.file_name.rsplit(".")[-1]: item.content_type for item in FORMATS.values()}
TYPES |= {"json": "application/json"}


log = structlog.get_logger()


class StagedRecord(TypedDict):
    """A release that waits for approval."""

    staging: str
    """Prefix of its files in the store."""
    version: str
    simulated: bool
    previous: str
    """Version of the release before it; empty for the first."""
    n_row: int
    summary: str
    """What a person reads before approving."""


class ReleaseRecord(TypedDict):
    """A release that is out."""

    version: str
    uri: str
    lineage: str
    simulated: bool
    n_row: int
    n_confirmed: int
    n_searched: int
    approved_by: str


@dataclass(frozen=True, slots=True)
class Release:
    """A published release. Comes from `DraftRelease.publish` and nowhere else."""

    version: str
    manifest: Mapping[str, Any]
    """Contents of its ``release.json``."""


@dataclass(frozen=True, slots=True)
class DraftRelease:
    """A staged release that may be published: whole, marked if simulated, and not outdated."""

    version: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    seen_tag: str
    """Tag of the pointer when the draft was opened."""

    def publish(self, store: Store, approved_by: str) -> Release:
        """Copy the files, then move ``latest.json``.

        Raises
        ------
        ReleaseRefused
            If another release was faster.
        """
        for name, body in self.files.items():
            store.save_new(keys.release(self.version, name), body, _content_type(name))
        pointer = {
            "version": self.version,
            "uri": store.uri(keys.release(self.version)),
            "lineage": self.manifest["lineage"],
            "simulated": self.manifest["simulated"],
            "sha256sums": sha256_hex(self.files[SUMS]),
            "approved_by": approved_by,
        }
        if not store.move_pointer(keys.LATEST, canonical_json(pointer), self.seen_tag):
            raise _outdated(self.version, "another release came in between")
        return Release(self.version, self.manifest)


def is_due(platform: Platform) -> bool:
    """Whether a release should be staged without anybody asking for it."""
    candidates = platform.ledger.records("candidates")
    last = platform.ledger.latest("release", 0)
    if platform.ledger.champion() is None or not candidates:
        return False
    since = (last or candidates[0]).at_utc.date()
    if (platform.today() - since).days < RELEASE_EVERY_D:
        return False
    return collect_inputs(platform).lineage != _latest(platform.store).get("lineage")


def stage_release(platform: Platform) -> StagedRecord | None:
    """Make all files of the next release, for a person to look at.

    Returns
    -------
    staged
        None if nothing changed since the last release.

    Raises
    ------
    MissingInput
        If no model is in production, or it has scored no sector yet.
    """
    inputs = collect_inputs(platform)
    latest = _latest(platform.store)
    if latest.get("lineage") == inputs.lineage:
        return None
    previous = latest.get("version", "")
    number = _next_version(platform)
    parts = {"content": inputs.lineage, "previous": previous, "number": number}
    staging = lineage_id("stage", VERSION, **parts)
    sums = keys.staging(staging, SUMS)
    if not platform.store.exists(sums):
        # the checksums come last: where they are, all is there
        contents = build_release(inputs, number, previous, platform.store)
        for name, body in write_contents(contents).items():
            platform.store.save_new(keys.staging(staging, name), body, _content_type(name))
    staged = _staged(staging, platform.store)
    log.info("release_staged", **staged)
    return staged


def publish_release(staged: StagedRecord, approved_by: str, platform: Platform) -> ReleaseRecord:
    """Release what was staged; a second time changes nothing.

    Raises
    ------
    ReleaseRefused
        If what is staged is damaged, simulated without saying so, older than the last release, or
        has not passed the checks of a catalog.
    """
    store = platform.store
    latest = _latest(store)
    manifest = json.loads(store.load(staged["staging"] + MANIFEST))
    if (latest.get("version"), latest.get("lineage")) == (staged["version"], manifest["lineage"]):
        return _record(Release(staged["version"], manifest), latest["approved_by"], platform)
    _require_verdict(staged, platform)
    release = _open_draft(staged, manifest, store).publish(store, approved_by)
    return _record(release, approved_by, platform)


def list_releases(platform: Platform) -> list[ReleaseRecord]:
    """All releases, oldest first."""
    return [cast("ReleaseRecord", item.facts) for item in platform.ledger.records("release")]


def _record(release: Release, approved_by: str, platform: Platform) -> ReleaseRecord:
    key = keys.release(release.version)
    counts = release.manifest["counts"]
    record = ReleaseRecord(
        version=release.version,
        uri=platform.store.uri(key),
        lineage=release.manifest["lineage"],
        simulated=release.manifest["simulated"],
        n_row=counts["n_row"],
        n_confirmed=counts["n_confirmed"],
        n_searched=counts["n_searched"],
        approved_by=approved_by,
    )
    platform.ledger.record("release", 0, key, facts=dict(record))
    log.info("release_published", **record)
    return record


def _require_verdict(staged: StagedRecord, platform: Platform) -> None:
    """Refuse a catalog that was not judged, or did not pass."""
    verdicts = [item.facts for item in platform.ledger.records(CHECKED)]
    verdict = next((v for v in reversed(verdicts) if v["staging"] == staged["staging"]), None)
    if verdict is None or verdict["halted"]:
        missed = [f"not met: {name}" for name in verdict["halted"]] if verdict else []
        raise ReleaseRefused(
            staged["version"], found="; ".join(missed) or "a catalog that was not checked",
            expected="all expectations of a catalog met",
            cure="Run: calnet-ops release stage" if verdict is None else "",
        )  # fmt: skip


def _open_draft(staged: StagedRecord, manifest: Mapping[str, Any], store: Store) -> DraftRelease:
    prefix, version = staged["staging"], str(manifest["version"])
    files = {key.removeprefix(prefix): store.load(key) for key in store.iter_keys(prefix)}
    faults = find_faults(files)
    if faults or version != staged["version"]:
        raise ReleaseRefused(
            version, found="; ".join(faults) or f"version {version}",
            expected=f"a whole release {staged['version']}", cure="Stage it again.",
        )  # fmt: skip
    catalog = load_catalog(store, prefix)
    simulated = manifest["simulated"] or any(catalog["simulated"].to_pylist())
    if simulated and not version.endswith(MARK):
        raise ReleaseRefused(
            version, found="simulated stars or a model that learned from some",
            expected=f"a version that ends in {MARK}",
        )  # fmt: skip
    body, tag = store.load_pointer(keys.LATEST)
    current = json.loads(body)["version"] if body else ""
    if current != manifest["previous"]:
        raise _outdated(version, f"{current} was published since")
    return DraftRelease(version, manifest, files, tag)


def _outdated(version: str, found: str) -> ReleaseRefused:
    return ReleaseRefused(
        version, found=found, expected="the last release to be the one it was compared with",
        cure="Stage it again.",
    )  # fmt: skip


def _latest(store: Store) -> dict[str, Any]:
    body, _ = store.load_pointer(keys.LATEST)
    return dict(json.loads(body)) if body else {}


def _next_version(platform: Platform) -> str:
    """First free number of the month: ``v2026.11.0``, without a mark."""
    today = platform.today()
    month = f"v{today.year}.{today.month}."
    found = (
        re.match(rf"releases/{re.escape(month)}(\d+)", key)
        for key in platform.store.iter_keys(keys.release(month).rstrip("/"))
    )
    return f"{month}{max((int(match[1]) for match in found if match), default=-1) + 1}"


def _staged(staging: str, store: Store) -> StagedRecord:
    prefix = keys.staging(staging)
    manifest = json.loads(store.load(prefix + MANIFEST))
    counts, previous = manifest["counts"], manifest["previous"]
    changes = "The first release."
    if previous:
        older = load_catalog(store, keys.release(previous))
        changes = f"Since {previous}: {compare(older, load_catalog(store, prefix)).sentence()}."
    return StagedRecord(
        staging=prefix,
        version=manifest["version"],
        simulated=manifest["simulated"],
        previous=previous,
        n_row=counts["n_row"],
        summary=(
            f"{counts['n_row']} stars ({counts['n_confirmed']} confirmed by vetters, "
            f"{counts['n_rejected']} candidates rejected) of {counts['n_searched']} searched in "
            f"{counts['n_sector']} sectors. {changes} Files: {store.uri(prefix)}"
        ),
    )


def _content_type(name: str) -> str:
    return TYPES.get(name.rsplit(".", 1)[-1], "text/plain")
