"""The steps of a sector, by hand: the same functions that the DAGs call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer

from calnet_ops.cli.output import Json, errors, measuring, print_json, show, show_rows, track
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.keys import parse_sector, sector_key
from calnet_ops.platform import Platform, open_platform

Item = TypeVar("Item")

Sector = Annotated[str, typer.Argument(help="TESS sector, such as 87 or s087.")]


def sectors(
    sector: Annotated[str, typer.Argument(help="One sector, with all that is known of it.")] = "",
    poll: Annotated[bool, typer.Option("--poll", help="Ask the archive first.")] = False,
    all_due: Annotated[
        bool,
        typer.Option("--all", help="Poll, and look at files of every sector in the store again."),
    ] = False,
    as_json: Json = False,
) -> None:
    """List the sectors known, and how far the archive and the store are with each.

    Example: [bold]calnet-ops sectors --poll[/bold]
             [bold]calnet-ops sectors --poll --all[/bold]
             [bold]calnet-ops sectors 87[/bold]
    """
    from calnet_ops.cli.sector_rows import counts_of, list_row, unreadable_row
    from calnet_ops.steps.detect_unreadable import unreadable_sectors

    number = parse_sector(sector) if sector else 0
    platform = open_platform()
    platform.ledger.migrate()
    if poll or all_due:
        from calnet_ops.steps import detect

        detect.detect_sectors(platform, all_due=all_due, watch=_watch)
    if number:
        _show_sector(number, platform, as_json=as_json)
        return
    known = platform.ledger.deliveries()
    rows = [list_row(item) | (counts_of(item) if as_json else {}) for item in known]
    unreadable = unreadable_sectors(platform.ledger)
    seen = {item.sector for item in known}
    rows += [unreadable_row(*item) for item in sorted(unreadable.items()) if item[0] not in seen]
    show_rows(rows, as_json=as_json, title="TESS sectors")
    for sector_number, told in sorted(unreadable.items()):
        errors.print(f"{sector_key(sector_number)} cannot be read: {told['why']}", style="yellow")


def ingest(
    sector: Sector,
    files: Annotated[
        list[str] | None, typer.Argument(help="With --again: more files to ask for again.")
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option(
            "--again",
            help="Ask again for a file of a sector in the store, or for all that are suspect or "
            "quarantined; makes a new delivery.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Pull a sector from the archive into the store, and say which files to believe.

    Running it again pulls only what is missing.

    Example: [bold]calnet-ops ingest 87[/bold]
             [bold]calnet-ops ingest 87 --again suspect[/bold]
    """
    from calnet_ops.steps import ingest as step
    from calnet_ops.steps.listing import list_now

    platform, number = open_platform(), parse_sector(sector)
    _ask_again(number, again or [], files or [], platform)
    list_now(number, platform)
    shards = step.plan_shards(number, platform)
    tallies = []
    total = shards[-1]["stop"] if shards else 0
    with measuring(total, f"pulling {sector_key(number)}") as gauge:
        for shard in shards:
            tallies.append(step.ingest_shard(shard, platform, gauge.note))
            gauge.reach(shard["stop"])
    record, pace = step.close_sector(number, tallies, platform), step.pace(tallies)
    seconds = pace["pulled_seconds"]
    rate = {"mb_per_s": round(pace["pulled_bytes"] / seconds / 1e6, 2)} if seconds else {}
    show({**record, **pace, **rate}, as_json=as_json)


def _watch(items: Sequence[Item], label: str, /) -> Iterable[Item]:
    return track(items, len(items), label, "sectors")


def _ask_again(sector: int, again: list[str], more: list[str], platform: Platform) -> None:
    """Make the delivery that `--again` asks for, if it is there."""
    if more and not again:
        raise WrongConfiguration("ingest", found=" ".join(more), expected="--again before files")
    if again:
        from calnet_ops.steps.ingest_again import ask_again

        ask_again(sector, [*again, *more], platform)


def validate(
    sector: Sector,
    features: Annotated[
        str, typer.Option(help="Judge its features of this version, such as v1, instead.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Judge a stored sector with Great Expectations, and write its Data Docs.

    Example: [bold]calnet-ops validate 87[/bold]
             [bold]calnet-ops validate 87 --features v1[/bold]
    """
    from calnet_ops.steps import validate as step
    from calnet_ops.steps.validate_features import validate_features

    number, platform = parse_sector(sector), open_platform()
    if features:
        show({**validate_features(number, features, platform)}, as_json=as_json)
    else:
        show({**step.validate_sector(number, platform)}, as_json=as_json)


def score(sector: Sector, as_json: Json = False) -> None:
    """Score a sector's features with the model in production, and combine them to targets.

    Example: [bold]calnet-ops score 87[/bold]
    """
    from calnet_ops.steps import score as step

    platform = open_platform()
    number = parse_sector(sector)
    if platform.ledger.champion() is None:
        raise MissingInput(
            "champion",
            found="no model in production",
            expected="one",
            cure="Train one with `calnet-ops train` and promote it in the MLflow UI.",
        )
    shards = step.plan_shards(number, platform)
    work = (step.score_shard(shard, platform) for shard in shards)
    tallies = list(track(work, len(shards), f"scoring {sector_key(number)}", "shards"))
    show({**step.combine_targets(number, tallies, platform)}, as_json=as_json)


def candidates(
    sector: Sector,
    show_all: Annotated[bool, typer.Option("--list", help="List them, best first.")] = False,
    as_json: Json = False,
) -> None:
    """Measure a sector's candidates: period, epoch, depths, type, and whose eclipses they show.

    Example: [bold]calnet-ops candidates 87 --list[/bold]
    """
    from calnet_ops.steps import attribute, characterise

    platform = open_platform()
    record: dict[str, Any] = {**characterise.characterise_sector(parse_sector(sector), platform)}
    found = attribute.attribute_sector(parse_sector(sector), platform)
    if not show_all:
        record |= {"attribution": found["key"]}
        record |= {name: found[name] for name in ("n_measured", "n_matched", "n_off_target")}
        show(record, as_json=as_json)
        return
    rows = sorted(_candidate_rows(found), key=lambda row: -row["probability"])
    if as_json:
        print_json(rows)
    else:
        show_rows(rows, as_json=False, title=f"candidates of {sector}")


def _show_sector(sector: int, platform: Platform, *, as_json: bool) -> None:
    """Show all deliveries of a sector, oldest first."""
    from calnet_ops.cli.sector_rows import whole_delivery
    from calnet_ops.steps.detect_unreadable import unreadable_sectors

    records = [whole_delivery(item, platform) for item in platform.ledger.history(sector)]
    name = sector_key(sector)
    if not records:
        told = unreadable_sectors(platform.ledger).get(sector)
        unreadable = f"not readable since {told['since']:.16}: {told['why']}" if told else ""
        raise MissingInput(
            name,
            found=unreadable or "never seen",
            expected="a sector that the archive lists",
            cure="Ask the archive with `calnet-ops sectors --poll`.",
        )
    if as_json:
        print_json({"sector": name, "deliveries": records})
        return
    for record in records:
        show(record, as_json=False, title=f"{name}, delivery {record['delivery']}")


def _candidate_rows(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Candidates of a sector, each with whose eclipses it shows."""
    store = open_platform().store
    columns = ["tic", "probability", "eb_type", "period", "epoch_bjd_tdb", "depth_1", "tmag"]
    whose = ["tic", "p_on_target", "group_id"]
    by_tic = {row["tic"]: row for row in store.load_table(found["key"], whose).to_pylist()}
    for row in store.load_table(found["candidates"], columns).to_pylist():
        yield row | by_tic[row["tic"]]
