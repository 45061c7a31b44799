"""Great Expectations: judges tables against our expectations and writes Data Docs.

Imported by tasks that run once a sector: the import takes 7 to 16 s and 300 MB.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calnet_ops.adapters.quality.self_contained import make_self_contained
from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.checks.expectation import Expectation, Kind, Scope, Severity

if TYPE_CHECKING:
    import pandas as pd

GX_SEVERITY = {Severity.HALT: "critical", Severity.REJECT: "warning", Severity.WARN: "info"}
"""Our severities in the words of Great Expectations, as Data Docs show them."""

RUN_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Given to every run, so that the names of its pages follow from its inputs alone."""

SITE = "data_docs"
"""Name of the site."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the data did by one expectation."""

    expectation: Expectation
    met: bool
    n_row: int
    """Rows judged."""
    n_unexpected: int
    """Rows that do not comply."""
    unexpected: tuple[tuple[str, str], ...]
    """Name of the row and found value of each of them; of a sector as a whole, just the value."""

    @property
    def words(self) -> tuple[str, str, str]:
        """Name, severity and reason of the expectation."""
        return self.expectation.name, str(self.expectation.severity), self.expectation.reason


def judge(
    tables: dict[Scope, "pd.DataFrame"],
    expectations: list[Expectation],
    run_name: str,
    docs_folder: Path,
) -> list[Outcome]:
    """Judge tables and write Data Docs about it.

    Parameters
    ----------
    tables
        One table for each scope, with the column that names its rows (`Scope.row_name`).
    expectations
        Those to be judged, whatever their `min_file`.
    run_name
        Part of the pages' names.
    docs_folder
        Where Data Docs are written: ``index.html`` and what it shows.

    Returns
    -------
    outcomes
        In the order of `expectations` within each scope.

    Raises
    ------
    WrongConfiguration
        If an expectation cannot be judged: no such column, impossible bounds.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    context = _open_context(docs_folder)
    source = context.data_sources.add_pandas("sector")
    outcomes: list[Outcome] = []
    for scope, table in tables.items():
        chosen = [item for item in expectations if item.scope is scope]
        if chosen:
            outcomes += _judge_table(context, source, scope, table, chosen, run_name)
    context.build_data_docs()
    make_self_contained(docs_folder, outcomes)
    return outcomes


def _open_context(docs_folder: Path) -> Any:
    """Context that lives in memory and shows its results in one folder."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(docs_folder),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        data_docs_sites={SITE: site},
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(project_config=config, mode="ephemeral")


def _judge_table(
    context: Any,
    source: Any,
    scope: Scope,
    table: "pd.DataFrame",
    expectations: list[Expectation],
    run_name: str,
) -> list[Outcome]:
    import great_expectations as gx
    from great_expectations.core import RunIdentifier

    suite = gx.ExpectationSuite(name=scope, expectations=[_translate(e) for e in expectations])
    asset = source.add_dataframe_asset(scope)
    definition = gx.ValidationDefinition(
        name=scope,
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(suite),
    )
    rows = _named_rows(table, scope)
    result = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": rows},
        run_id=RunIdentifier(run_name=run_name, run_time=RUN_TIME),
        result_format={
            "result_format": "COMPLETE",
            "return_unexpected_index_query": False,  # as long as the rows it would find
        },
    )
    by_name = {item.expectation_config.meta["name"]: item for item in result.results}
    return [_outcome(item, by_name[item.name], rows) for item in expectations]


def _named_rows(table: "pd.DataFrame", scope: Scope) -> "pd.DataFrame":
    """Table whose index names its rows.

    The index itself has no name: of one that has, as of a column of names, Great Expectations
    looks up each row for 0.1 ms.
    """
    if not scope.row_name:
        return table
    return table.set_index(scope.row_name, drop=False).rename_axis(None)


def _translate(expectation: Expectation) -> Any:
    """Great Expectations' own form of an expectation."""
    from great_expectations import expectations as gxe

    shared: dict[str, Any] = {
        "column": expectation.column,
        "mostly": expectation.share,
        "severity": GX_SEVERITY[expectation.severity],
        "notes": f"{expectation.name}: {expectation.reason} ({expectation.source})",
        "meta": {"name": expectation.name, "severity": str(expectation.severity)},
    }
    match expectation.kind:
        case Kind.BETWEEN:
            return gxe.ExpectColumnValuesToBeBetween(
                min_value=expectation.low, max_value=expectation.high, **shared
            )
        case Kind.IN_SET:
            return gxe.ExpectColumnValuesToBeInSet(value_set=list(expectation.allowed), **shared)
        case Kind.UNIQUE:
            return gxe.ExpectColumnValuesToBeUnique(**shared)
        case Kind.PRESENT:
            return gxe.ExpectColumnValuesToNotBeNull(**shared)


def _outcome(expectation: Expectation, result: Any, rows: "pd.DataFrame") -> Outcome:
    _check_judged(expectation, result.exception_info or {})
    found = rows[expectation.column]
    names = result.result.get("unexpected_index_list") or []
    if expectation.scope.row_name:
        found = found[~found.index.duplicated()]
        unexpected = [(str(name), _shown(found[name])) for name in names]
    else:
        unexpected = [("", _shown(found.iloc[0]))] if names else []
    return Outcome(
        expectation=expectation,
        met=bool(result.success),
        n_row=len(rows),
        n_unexpected=int(result.result.get("unexpected_count", 0)),
        unexpected=tuple(sorted(unexpected)),
    )


def _check_judged(expectation: Expectation, exceptions: dict[str, Any]) -> None:
    """Raise what Great Expectations swallowed: one exception, or one for each of its metrics."""
    each = [exceptions] if "raised_exception" in exceptions else exceptions.values()
    messages = [item["exception_message"] for item in each if item["raised_exception"]]
    if messages:
        raise WrongConfiguration(
            f"expectation {expectation.name!r}", found=messages[0], expected="a verdict"
        )


def _shown(value: Any) -> str:
    """A found value in words; numbers with ten digits."""
    if value is None or isinstance(value, str):
        return "nothing" if value is None else repr(value)
    return f"{float(value):.10g}"
