"""The description of a version: what a person reads before moving the alias `champion`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calnet_ops.platform import Platform
from calnet_ops.steps.promotion_shown import MARK

STEP = "gate"
EVALUATE = "evaluate"
PREVIEW = "preview"
"""Names in the ledger of what the page is made from."""

TIERS = ("critical", "supporting", "informational")

MEANING = {
    "critical": "each must hold",
    "supporting": "one may fail",
    "informational": "never stops a model",
}

BREAK = "\n\n"

CELL = 160
"""Most characters of a cell."""


def describe_version(version: int, platform: Platform) -> None:
    """Write the description of a version anew, from all that is known of its model by now."""
    found = platform.registry.version(version)
    model_id, run_id = found["tags"].get("model_id", ""), found["run_id"]
    ledger, store = platform.ledger, platform.store
    judged = ledger.latest(STEP, 0, model_id)
    if judged is None:
        return
    lines = _gate(judged.facts, json.loads(store.load(judged.key)))
    evaluated = ledger.latest(EVALUATE, 0, model_id)
    if evaluated is not None:
        report = json.loads(store.load(evaluated.key))
        lines += ["", *_counts(report["counts"]), "", _figures(run_id)]
    preview = ledger.latest(PREVIEW, 0, model_id)
    if preview is not None:
        lines += ["", _preview(preview.facts, run_id)]
    platform.registry.describe(version, _state(found["description"]) + "\n".join(lines))


def _state(description: str) -> str:
    """The line that says what became of the alias, if there is one."""
    return f"{description.partition(BREAK)[0]}{BREAK}" if description.startswith(MARK) else ""


def _gate(record: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[str]:
    passed = record["verdict"] == "pass"
    said = "may be promoted" if passed else "must not be promoted"
    against = record["champion"] or "none in production"
    lines = [
        f"**Gate: {record['verdict']}**: this version {said}.",
        "",
        f"Model `{record['model_id']}`, compared with champion: {against}.",
    ]
    for title, texts in (("Why not", record["reasons"]), ("Tolerated", record["warnings"])):
        lines += ["", f"**{title}**", "", *(f"- {text}" for text in texts)] if texts else []
    for tier in TIERS:
        findings = [one for one in verdict["findings"] if one["tier"] == tier]
        if findings:
            lines += ["", f"**{tier.capitalize()}** ({MEANING[tier]})", "", *_table(findings)]
    return lines


def _table(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        f"| {one['rule']} | {_cell(one['found'])} | {_cell(one['expected'])} "
        f"| {'yes' if one['passed'] else '**no**'} |"
        for one in findings
    ]
    return ["| rule | found | expected | holds |", "|---|---|---|---|", *rows]


def _counts(counts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Three ways to count, with what each of them means."""
    rows = [
        f"| {_strong(one['name'], one['honest'])} | {_rate(one['recall'])} "
        f"| {_rate(one['precision'])} | {one['n_eb']} of {one['n']} | {one['label']} |"
        for one in counts
    ]
    return [
        "**Three ways to count**; only the honest one tells what to expect of new stars",
        "",
        "| way | recall | precision | binaries | counted |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _figures(run_id: str) -> str:
    return (
        f"Figures: [run {run_id}](#/runs/{run_id}), *Artifacts*, `figures`: `evaluation.png`, "
        "`missed.png`, `false_alarms.png`."
    )


def _preview(record: Mapping[str, Any], run_id: str) -> str:
    sectors = ", ".join(record["sectors"]) or "no sector"
    return (
        f"**Preview** of {sectors}: {record['n_enter']} stars would enter, {record['n_leave']} "
        f"leave, {record['n_stay']} stay: [run {run_id}](#/runs/{run_id}), *Artifacts*, "
        "`preview`."
    )


def _rate(rate: Mapping[str, float]) -> str:
    if not rate["n"]:
        return "unknown"
    return f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"


def _strong(text: str, strong: bool) -> str:
    return f"**{text}**" if strong else text


def _cell(text: str) -> str:
    return text.replace("|", "/")[:CELL]
