"""Notice that the archive has new bytes under old names, while its script stays the same.

Sectors 1 to 26 were processed anew and delivered again so. From time to time each sector in the
store is looked at again: some of its files are asked about by HEAD, and one of which the archive
says something new is fetched, since only its bytes can prove it. Then a new delivery appears,
and its sample is asked about again at each poll until it is still.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from calnet_ops.adapters.archive import Archive
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import MissingAtSource, MissingInput, TransientError
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import appear, is_in_store, stamp
from calnet_ops.steps.detect_listing import late_count
from calnet_ops.steps.progress import Watch, unseen
from calnet_ops.steps.redelivery_files import (
    ALWAYS,
    Drawn,
    Row,
    draw_files,
    is_available,
    judge,
    load_files,
    looks_new,
    mark_of,
    probe,
)

SECTORS_A_POLL = 10
"""Sectors looked at in one poll; at four polls a day, 106 sectors have their turn in three days."""

OPEN_EVERY_S = 24 * 3600
"""A sector with files that are missing or suspect is looked at each day, for files that a script
lists came within a day or two; so is one whose last look failed."""

MOST_REMEMBERED = 64
"""Files whose new ETag is remembered because their bytes were the old ones; the ledger is no
place for 20,000."""

MOST_FAILED = 2
"""Files of a look that may fail, besides missing and suspect ones; the look at the sector ends with
the third, until another day."""

log = structlog.get_logger()


@dataclass(slots=True)
class Look:
    """What a look at some files of a sector gave."""

    marks: dict[str, str] = field(default_factory=dict)
    """How the archive names the versions that are held, by file name."""
    changed: list[str] = field(default_factory=list)
    """Files with other bytes than those held: the first is proven by its bytes, further ones are
    taken on the archive's word."""
    found: list[str] = field(default_factory=list)
    """Files that were missing or suspect and can be believed now."""

    failed: list[str] = field(default_factory=list)
    """Files of which the archive could not speak just now."""

    @contextmanager
    def bearing(self, row: Row) -> Iterator[None]:
        """Bear with a file that cannot be asked about: it must not hide what others tell.

        Raises
        ------
        TransientError
            If that is one too many: the archive is not well.
        """
        try:
            yield
        except TransientError as error:
            log.warning("file_not_readable", error=str(error))
            self.failed.append(row["file_name"])
            if len(self.failed) > MOST_FAILED:
                raise

    @property
    def why(self) -> str:
        """What is new, for people; empty if nothing is."""
        parts = [("files changed", self.changed), ("file available now", self.found)]
        return "; ".join(f"{what}: {_names(names)}" for what, names in parts if names)


def look_again(
    sectors: Iterable[int], platform: Platform, *, all_due: bool = False, watch: Watch = unseen
) -> None:
    """Look at files of the sectors in the store whose turn it is, longest unseen first.

    Parameters
    ----------
    sectors
        Those that the archive lists.
    all_due
        Look at all of them now.
    watch
        Shows how far the looks are.

    Notes
    -----
    A sector whose files or manifest cannot be read has its turn again after a day: it must not
    keep others from theirs.
    """
    listed = set(sectors)
    held = [item for item in platform.ledger.deliveries() if item.sector in listed]
    held = sorted(filter(is_in_store, held), key=_seen_at)
    if not all_due:
        held = [item for item in held if _is_due(item, platform)][:SECTORS_A_POLL]
    for item in watch(held, "files of sectors in the store"):
        try:
            _look_at(item, platform)
        except (TransientError, MissingInput) as error:
            log.warning("files_not_readable", sector=item.sector, error=str(error))
            platform.ledger.move_delivery(item, facts=_look_facts(platform, failed=True))


def look_at_sample(seen: Delivery, platform: Platform) -> dict[str, str]:
    """How the archive names the versions of a re-delivery's sample now; empty without a sample.

    Raises
    ------
    TransientError
        If archive or store fail.
    """
    names = seen.facts.get("sample", {})
    if not names:
        return {}
    return _sample(load_files(seen, platform.store), names, platform.archive)


def _look_at(held: Delivery, platform: Platform) -> None:
    """Look at one sector; what is new makes a new delivery appear."""
    files, n_look = load_files(held, platform.store), int(held.facts.get("n_look", 0))
    drawn, remembered = draw_files(files, n_look), _remembered(held)
    look = Look()
    for row in drawn.always + drawn.in_turn:
        with look.bearing(row):
            _compare(row, remembered.get(row["file_name"], ""), look, platform)
    look.found = [row["file_name"] for row in drawn.open if is_available(row, platform)]
    facts = _look_facts(platform) | {"n_look": n_look + 1}
    if look.why:
        names = [row["file_name"] for row in drawn.always]
        names = [name for name in names if name not in look.failed]
        news = look.changed[:ALWAYS] + look.found[:ALWAYS]
        facts["sample"] = _first_sample(files, names + news, platform.archive)
        _appear_again(held, look, facts, platform)
        return
    facts["sample"] = _to_remember(drawn, remembered, look)
    facts["sampled"] = held.facts["manifest"]
    platform.ledger.move_delivery(held, facts=facts | late_count(held, platform))


def _look_facts(platform: Platform, *, failed: bool = False) -> dict[str, Any]:
    return {"probed_utc": stamp(platform), "look_failed": failed}


def _appear_again(held: Delivery, look: Look, facts: dict[str, Any], platform: Platform) -> None:
    """Note a delivery of the same list with other files."""
    log.info("files_changed", sector=held.sector, why=look.why)
    appear(
        held.sector,
        held,
        platform,
        why=look.why,
        n_listed=held.n_listed,
        listing_sha256=held.listing_sha256,
        facts=facts,
    )


def _compare(row: Row, remembered: str, look: Look, platform: Platform) -> None:
    """Compare a file with what the archive says of it now, and if need be with its bytes."""
    name = row["file_name"]
    try:
        seen = platform.archive.probe_product(row["url"])
    except MissingAtSource:
        log.warning("file_gone_from_archive", file_name=name)  # what is held stands
        return
    mark = mark_of(seen)
    if not looks_new(row, seen, remembered):
        look.marks[name] = mark
    elif look.changed or (verdict := judge(row, platform)) == "new":
        look.changed.append(name)
    elif verdict == "same":
        look.marks[name] = mark
    else:
        log.warning("changed_file_not_believed", file_name=name)


def _remembered(held: Delivery) -> dict[str, str]:
    """Marks that a look at this very delivery has found to stand for the bytes held."""
    same = held.facts.get("sampled") == held.facts["manifest"]
    return dict(held.facts.get("sample", {})) if same else {}


def _to_remember(drawn: Drawn, remembered: dict[str, str], look: Look) -> dict[str, str]:
    """Marks to know again: those that the manifest does not tell, and of the files always asked."""
    told = {row["file_name"]: row["etag"] for row in drawn.in_turn}
    always = {row["file_name"] for row in drawn.always}
    others = remembered | {name: mark for name, mark in look.marks.items() if name in told}
    kept = [
        item for item in others.items() if item[0] not in always and item[1] != told.get(item[0])
    ]
    first = {name: mark for name, mark in (remembered | look.marks).items() if name in always}
    return first | dict(kept[-MOST_REMEMBERED:])


def _sample(files: list[Row], names: Iterable[str], archive: Archive) -> dict[str, str]:
    wanted = set(names)
    return {
        row["file_name"]: probe(row["url"], archive) for row in files if row["file_name"] in wanted
    }


def _first_sample(files: list[Row], names: Iterable[str], archive: Archive) -> dict[str, str]:
    """Sample without files of which the archive cannot speak: they would hold up the others."""
    sample: dict[str, str] = {}
    for name in names:
        with suppress(TransientError):
            sample |= _sample(files, [name], archive)
    return sample


def _names(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _seen_at(item: Delivery) -> datetime:
    """When a sector's files were last looked at, else when it came in."""
    text = item.facts.get("probed_utc")
    return datetime.fromisoformat(text) if text else item.changed_utc


def _is_due(item: Delivery, platform: Platform) -> bool:
    every_s = platform.repoll_every_s
    missing = item.facts.get("n_quarantined", {}).get(MissingAtSource.reason)
    if missing or item.facts.get("n_suspect") or item.facts.get("look_failed"):
        every_s = min(every_s, OPEN_EVERY_S)
    return platform.now() - _seen_at(item) >= timedelta(seconds=every_s)
