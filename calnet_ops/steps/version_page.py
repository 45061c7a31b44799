"""The description of a version: what a person reads before moving the alias `champion`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.registry import CHAMPION, MAX_DESCRIPTION
from calnet_ops.platform import Platform
from calnet_ops.steps.evaluation import FIGURES
from calnet_ops.steps.model_card import CARD, show_card
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

CELL = 240
"""Most characters of a cell."""

SPACE = ("", "\u00a0", "")
"""Before a title: MLflow puts none below a table."""

GAP = "\u00a0\u00a0"
"""Ends each cell but the last: MLflow draws tables without any space between columns."""

HOW = (
    f"To promote: the pencil beside *Aliases* above, `{CHAMPION}`, *Save aliases*. The button "
    "*Promote model* does something else: it copies the version."
)

FOLDER, WHOLE = "gate", "description.md"
"""Artifact of the run that holds a description too long for MLflow: all versions but the first,
which is compared with no champion."""

ROOM = 1000
"""Characters left for the line that later says what became of the alias."""


def describe_version(version: int, platform: Platform) -> None:
    """Write description and card of a version anew, from all that is known of its model by now."""
    found = platform.registry.version(version)
    model_id, run_id = found["tags"].get("model_id", ""), found["run_id"]
    ledger, store = platform.ledger, platform.store
    judged = ledger.latest(STEP, 0, model_id)
    if judged is None:
        return
    verdict = json.loads(store.load(judged.key))
    # What is cut off at the end must not be what a person needs: links first, details last.
    lines = [*_said(judged.facts), ""]
    artifacts = platform.registry.artifacts_link(run_id)
    preview = ledger.latest(PREVIEW, 0, model_id)
    if preview is not None:
        lines += [_preview(preview.facts, artifacts), ""]
    evaluated = ledger.latest(EVALUATE, 0, model_id)
    report = json.loads(store.load(evaluated.key)) if evaluated else None
    lines += [_links(run_id, artifacts, FIGURES if report else ())]
    lines += _reasons(judged.facts)
    lines += _findings(verdict, TIERS[:-1])
    if report is not None:
        lines += [*SPACE, *_counts(report["counts"])]
    lines += _findings(verdict, TIERS[-1:])
    text, room = "\n".join(lines), MAX_DESCRIPTION - ROOM
    if len(text) > room:
        platform.registry.attach(run_id, FOLDER, {WHOLE: text.encode()})
        kept = text[:room].rpartition("\n")[0]
        text = f"{kept}{BREAK}And more: [{WHOLE}]({artifacts}/{FOLDER}/{WHOLE})."
    platform.registry.describe(version, _state(found["description"]) + text)
    if store.exists(keys.model(model_id, CARD)):
        card = show_card(model_id, platform)
        platform.registry.attach(run_id, "", {CARD: card.encode()})


def _state(description: str) -> str:
    """The line that says what became of the alias, if there is one."""
    return f"{description.partition(BREAK)[0]}{BREAK}" if description.startswith(MARK) else ""


def _said(record: Mapping[str, Any]) -> list[str]:
    passed = record["verdict"] == "pass"
    said = "may be promoted" if passed else "must not be promoted"
    against = f"`{record['champion']}`, which was" if record["champion"] else "none"
    return [
        f"**Gate: {record['verdict']}**: this version {said}.{' ' + HOW if passed else ''}",
        "",
        f"Model `{record['model_id']}`, compared with {against} in production.",
    ]


def _reasons(record: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for title, texts in (("Why not", record["reasons"]), ("Tolerated", record["warnings"])):
        lines += ["", f"**{title}**", "", *(f"- {text}" for text in texts)] if texts else []
    return lines


def _findings(verdict: Mapping[str, Any], tiers: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for tier in tiers:
        findings = [one for one in verdict["findings"] if one["tier"] == tier]
        if findings:
            title = f"**{tier.capitalize()}** ({MEANING[tier]})"
            lines += [*SPACE, title, "", *_table(findings)]
    return lines


def _table(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (one["rule"], one["found"], one["expected"], "yes" if one["passed"] else "**no**")
        for one in findings
    ]
    return _rows([("rule", "found", "expected", "holds"), *rows])


def _rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table whose first row is its head."""
    head, *rest = [f"| {f'{GAP} | '.join(_cell(text) for text in row)} |" for row in rows]
    return [head, "|---" * len(rows[0]) + "|", *rest]


def _counts(counts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Three ways to count, with what each of them means."""
    rows = [
        (
            _strong(one["name"], one["honest"]),
            _rate(one["recall"]),
            _rate(one["precision"]),
            f"{one['n_eb']} of {one['n']}",
            one["label"],
        )
        for one in counts
    ]
    return [
        "**Three ways to count**: only the one in bold tells what to expect of new stars",
        "",
        *_rows([("way", "recall", "precision", "binaries", "counted"), *rows]),
    ]


def _preview(record: Mapping[str, Any], artifacts: str) -> str:
    sectors = ", ".join(record["sectors"]) or "no sector"
    return (
        f"**[Preview]({artifacts}/preview/preview.html)** of the candidates of {sectors}: "
        f"{record['n_enter']} would enter, {record['n_leave']} leave, {record['n_stay']} stay."
    )


def _links(run_id: str, artifacts: str, figures: Sequence[str]) -> str:
    """The run, and of its artifacts those that a person wants to see."""
    links = [
        f"[run](#/runs/{run_id})",
        f"[model card]({artifacts}/card.md)",
        *(f"[{name}]({artifacts}/figures/{name})" for name in figures),
    ]
    return f"Training: {', '.join(links)}."


def _rate(rate: Mapping[str, float]) -> str:
    if not rate["n"]:
        return "unknown"
    return f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"


def _strong(text: str, strong: bool) -> str:
    return f"**{text}**" if strong else text


def _cell(text: str) -> str:
    return text.replace("|", "/")[:CELL]
