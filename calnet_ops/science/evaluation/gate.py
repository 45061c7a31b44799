"""Whether a model may go into production: rules as plain values, each with its reason."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from calnet_ops.science.evaluation.evidence import Evidence, Performance

MIN_STARS = 10
"""Test stars of either kind. With fewer, not even a clean sweep reaches the lower bounds below
(the 95% interval of 10 out of 10 goes down to 0.72)."""

MIN_RECALL_LOW = 0.70
"""Lower 95% bound of the recall. A model below misses more than it may before a vetter's time
is better spent without it; a recall of 0.85 on 40 binaries reaches it."""

MIN_PRECISION_LOW = 0.70
"""Lower 95% bound of the precision on test stars, of which about half are binaries."""

MAX_LOSS = 0.02
"""How far recall or precision may fall behind the champion's on the same test stars: about one
star in fifty, less than retraining the same network with another seed moves them."""

MAX_LITERT_DIFFERENCE = 1e-5
"""Largest allowed difference of a score between Keras and the graph that production runs;
trained networks were seen to differ by 3e-6."""

EB_OUTPUT = 0
"""Output that is P(EB) in every graph we export; the published PyTorch port has it at 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one rule."""

    rule: str
    passed: bool
    found: str
    expected: str

    @property
    def text(self) -> str:
        """The finding in words."""
        return f"{self.rule}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a model."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule holds; a check that was not made is a failed check."""
        return all(finding.passed for finding in self.findings)

    @property
    def word(self) -> str:
        """``pass`` or ``fail``, as the version's tag says it."""
        return "pass" if self.passed else "fail"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not: the rules that do not hold."""
        return tuple(finding.text for finding in self.findings if not finding.passed)


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound on one number of the evidence."""

    name: str
    reason: str
    measure: Callable[[Evidence], float | None]
    """None where the evidence is missing."""
    bound: float
    at_most: bool = False

    def check(self, evidence: Evidence) -> Finding:
        """Compare the evidence with the bound."""
        value = self.measure(evidence)
        expected = f"{'at most' if self.at_most else 'at least'} {self.bound:g}"
        if value is None:
            return Finding(self.name, False, "no evidence", expected)
        passed = value <= self.bound if self.at_most else value >= self.bound
        return Finding(self.name, bool(passed), f"{value:.3g}", expected)


def _of(measure: Callable[[Performance], float]) -> Callable[[Evidence], float | None]:
    """A number of the performance, or None without one."""
    return lambda evidence: measure(evidence.performance) if evidence.performance else None


RULES: tuple[Rule, ...] = (
    Rule("test binaries", "few stars prove little", _of(lambda p: p.recall.n), MIN_STARS),
    Rule("other test stars", "few stars prove little", _of(lambda p: p.specificity.n), MIN_STARS),
    Rule("recall, lower bound", "finds binaries", _of(lambda p: p.recall.low), MIN_RECALL_LOW),
    Rule(
        "precision, lower bound",
        "vetters are not flooded",
        _of(lambda p: p.precision.low),
        MIN_PRECISION_LOW,
    ),
    Rule(
        "LiteRT against Keras",
        "production runs what was tested",
        lambda evidence: evidence.litert_difference,
        MAX_LITERT_DIFFERENCE,
        at_most=True,
    ),
)
"""Rules for every model. `judge` adds those that compare it with the champion."""

COMPARED: Mapping[str, Callable[[Performance], float]] = {
    "recall": lambda performance: performance.recall.value,
    "precision": lambda performance: performance.precision.value,
}
"""What may not fall behind the champion."""


def judge(
    evidence: Evidence, champion: Performance | None, known_features: Collection[str]
) -> Verdict:
    """Judge a model.

    Parameters
    ----------
    evidence
        Of the model.
    champion
        How the model in production does on the *same* test stars; None when there is none.
    known_features
        Versions of features that the platform computes.
    """
    findings = [rule.check(evidence) for rule in RULES]
    findings += [_features(evidence, known_features), _output(evidence)]
    if champion is not None:
        findings += [_against(name, evidence.performance, champion) for name in COMPARED]
    return Verdict(tuple(findings))


def _features(evidence: Evidence, known_features: Collection[str]) -> Finding:
    known = evidence.features in known_features
    expected = " or ".join(sorted(known_features))
    return Finding("features", known, evidence.features or "no evidence", expected)


def _output(evidence: Evidence) -> Finding:
    index = evidence.output_index
    found = "no evidence" if index is None else f"output {index} is P(EB)"
    return Finding("order of outputs", index == EB_OUTPUT, found, f"output {EB_OUTPUT}")


def _against(name: str, performance: Performance | None, champion: Performance) -> Finding:
    """Not worse than the model in production by more than `MAX_LOSS`."""
    measure = COMPARED[name]
    other = measure(champion)
    expected = f"at least {other:.3f} - {MAX_LOSS:g}"
    if performance is None:
        return Finding(f"{name} against the champion", False, "no evidence", expected)
    own = measure(performance)
    return Finding(f"{name} against the champion", own >= other - MAX_LOSS, f"{own:.3f}", expected)
