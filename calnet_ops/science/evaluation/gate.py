"""Whether a model may go into production: rules as plain values, each with its reason."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.evaluation.canary import Song
from calnet_ops.science.evaluation.compare import MIN_IN_PART, Difference
from calnet_ops.science.evaluation.evidence import Evidence
from calnet_ops.science.evaluation.report import Level
from calnet_ops.science.evaluation.verdict import Finding, Tier, Verdict

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
star in fifty, less than retraining the same network with another seed moves them. It is a bound on
the difference that was found, and not on the lower end of its interval, which on a hundred test
stars reaches 0.05 below even for two equally good models. Of fewer than fifty stars one may be
lost: of two networks of the recipe "demo", one called one star more of their 94 test stars."""

MAX_UNSURE_LOSS = 0.05
"""How far below that bound the lower end may be, or by one over the root of the number of stars
where they are few: farther, and the two models disagree on more than a quarter of them, whoever is
right."""

MAX_PART_LOSS = 0.05
"""How far a type or magnitude may fall behind. A loss only counts when chance does not explain it,
see `compare`: of ten binaries one or two are lost to luck, all ten are not."""

MAX_EXCESS_ERROR = 0.10
"""How far the calibration error may exceed that of chance alone. Beyond, a threshold chosen on
validation stars means something else on others."""

GOOD_EXCESS_ERROR = 0.05
"""The same, for a model that drift and expected precision can be computed with: networks of the
recipe "demo" have 0.01 to 0.02, made overconfident on purpose 0.035 to 0.04."""

MIN_SPEED = 30.0
"""Segments a second of CPU: a sector of 20,000 stars and two segments each then takes 22 minutes
of one core. The published network has about 300 in production's numpy; CPU and not wall clock, so
that a busy machine does not turn models down."""

MIN_RELATIVE_SPEED = 0.5
"""Speed as a share of the champion's, measured side by side."""

MAX_LITERT_DIFFERENCE = 1e-5
"""Largest allowed difference of a score between Keras and the graph that production runs;
trained networks were seen to differ by 3e-6."""

EB_OUTPUT = 0
"""Output that is P(EB) in every graph we export; the published PyTorch port has it at 1."""

MIN_CANARY_RECALL = 0.5
"""At the model's own threshold: a network trained on a few hundred simulated stars finds all of the
canary's binaries at a threshold of 0.5, and 0.88 at 0.9. One that learned from segments of 4 days
finds 0.62 of these, which last 13, and is none the worse for it on its own stars."""

MIN_CANARY_SPECIFICITY = 0.7
"""Its other stars (planets, pulsators, spots, noise, binaries upside down): the same network calls
none of them a binary. A model that learned from other stars may be wrong about a kind of them."""

MIN_CANARY_ORDER = 0.8
"""Of all binaries, and of each type: a model that is good at one and blind to another fails,
whatever its threshold. The same network has 1.0, that of short segments 0.98, one that was not
trained 0.7, one with its outputs swapped 0.0."""

MIN_CANARY_SPREAD = 0.1
"""That of a network that was not trained is 0.0003, of a trained one 0.5."""


@dataclass(frozen=True, slots=True)
class Margins:
    """What a keeper may set: how far a model may fall behind the champion."""

    loss: float = MAX_LOSS
    part_loss: float = MAX_PART_LOSS
    excess_error: float = MAX_EXCESS_ERROR

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise WrongConfiguration(
                    f"margin of the gate, {name}", found=f"{value:g}", expected="0 to 1, without 1"
                )


DEFAULT_MARGINS = Margins()


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound on one number of the evidence."""

    name: str
    reason: str
    measure: Callable[[Evidence], float | None]
    """None where the evidence is missing."""
    bound: float
    at_most: bool = False
    tier: Tier = Tier.CRITICAL

    def check(self, evidence: Evidence) -> Finding:
        """Compare the evidence with the bound."""
        value = self.measure(evidence)
        expected = f"{'at most' if self.at_most else 'at least'} {self.bound:g}"
        if value is None or math.isnan(value):
            return Finding(self.name, False, "no evidence", expected, self.tier, ran=False)
        passed = value <= self.bound if self.at_most else value >= self.bound
        return Finding(self.name, bool(passed), f"{value:.3g}", expected, self.tier)


def _star(measure: Callable[[Level], float]) -> Callable[[Evidence], float | None]:
    return lambda evidence: measure(evidence.star) if evidence.star else None


def _song(measure: Callable[[Song], float]) -> Callable[[Evidence], float | None]:
    return lambda evidence: measure(evidence.song) if evidence.song else None


def _kind(kind: str) -> Callable[[Evidence], float | None]:
    return _song(lambda song: song.order_of.get(kind, math.nan))


def _excess(level: Level) -> float:
    return level.reliability.error.value - level.reliability.by_chance


RULES: tuple[Rule, ...] = (
    Rule("test binaries", "few stars prove little", _star(lambda s: s.recall.n), MIN_STARS),
    Rule("other test stars", "few stars prove little", _star(lambda s: s.specificity.n), MIN_STARS),
    Rule("recall, lower bound", "finds binaries", _star(lambda s: s.recall.low), MIN_RECALL_LOW),
    Rule(
        "precision, lower bound",
        "vetters are not flooded",
        _star(lambda s: s.precision.low),
        MIN_PRECISION_LOW,
    ),
    Rule(
        "calibration, close",
        "expected figures can be relied on",
        _star(_excess),
        GOOD_EXCESS_ERROR,
        at_most=True,
        tier=Tier.SUPPORTING,
    ),
    Rule(
        "LiteRT against Keras",
        "production runs what was tested",
        lambda evidence: evidence.litert_difference,
        MAX_LITERT_DIFFERENCE,
        at_most=True,
    ),
    Rule(
        "speed",
        "a sector is scored within an hour",
        lambda evidence: evidence.speed.model if evidence.speed else None,
        MIN_SPEED,
    ),
    Rule(
        "canary, recall",
        "clear cases",
        _song(lambda s: s.recall),
        MIN_CANARY_RECALL,
        tier=Tier.SUPPORTING,
    ),
    *(
        Rule(f"canary, {kind}", "sees every type", _kind(kind), MIN_CANARY_ORDER)
        for kind in ("EA", "EB", "EW")
    ),
    Rule(
        "canary, specificity",
        "planets, pulsators, spots and noise are no binaries",
        _song(lambda s: s.specificity),
        MIN_CANARY_SPECIFICITY,
    ),
    Rule("canary, order", "outputs are not swapped", _song(lambda s: s.order), MIN_CANARY_ORDER),
    Rule("canary, spread", "says something", _song(lambda s: s.spread), MIN_CANARY_SPREAD),
)
"""Rules for every model. `judge` adds those that depend on margins, and on the champion."""


def judge(
    evidence: Evidence, known_features: Collection[str], margins: Margins = DEFAULT_MARGINS
) -> Verdict:
    """Judge a model.

    Parameters
    ----------
    evidence
        Of the model, and of the model in production on the *same* test stars.
    known_features
        Versions of features that the platform computes.
    margins
        How far it may fall behind.
    """
    calibrated = Rule(
        "calibration", "a threshold means the same on other stars", _star(_excess),
        margins.excess_error, at_most=True,
    )  # fmt: skip
    findings = [rule.check(evidence) for rule in (*RULES, calibrated)]
    findings += [_features(evidence, known_features), _output(evidence)]
    if evidence.champion:
        findings += _against(evidence, margins)
    else:
        nobody = "no model in production"
        findings.append(
            Finding("against the champion", True, nobody, "as good", Tier.INFORMATIONAL)
        )
    return Verdict(tuple(findings))


def _features(evidence: Evidence, known_features: Collection[str]) -> Finding:
    known = evidence.features in known_features
    expected = " or ".join(sorted(known_features))
    found = evidence.features or "no evidence"
    return Finding("features", known, found, expected, ran=bool(evidence.features))


def _output(evidence: Evidence) -> Finding:
    index = evidence.output_index
    found = "no evidence" if index is None else f"output {index} is P(EB)"
    right = f"output {EB_OUTPUT}"
    return Finding("order of outputs", index == EB_OUTPUT, found, right, ran=index is not None)


def _against(evidence: Evidence, margins: Margins) -> list[Finding]:
    """Not worse than the model in production, nor much slower."""
    whole = {one.rate: one for one in evidence.against or () if not one.part}
    findings = []
    for rate in ("recall", "precision"):
        findings += _whole(rate, whole.get(rate), margins)
    findings += [_part(one, margins) for one in evidence.against or () if one.part]
    faster = Rule(
        "speed against the champion", "sectors do not take longer", _relative_speed,
        MIN_RELATIVE_SPEED, tier=Tier.SUPPORTING,
    )  # fmt: skip
    return [*findings, faster.check(evidence)]


def _relative_speed(evidence: Evidence) -> float | None:
    speed = evidence.speed
    return speed.model / speed.champion if speed and speed.champion else None


def _whole(rate: str, one: Difference | None, margins: Margins) -> list[Finding]:
    rules: Mapping[str, tuple[float, Tier]] = {
        f"{rate} against the champion": (_allowed(one, margins), Tier.CRITICAL),
        f"{rate} against the champion, surely": (margins.loss + _unsure(one), Tier.SUPPORTING),
    }
    if one is None:
        return [
            Finding(name, False, "no evidence", f"at least {-bound:.3g}", tier, ran=False)
            for name, (bound, tier) in rules.items()
        ]
    found = f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}) on {one.n} stars"
    return [
        Finding(name, value >= -bound, found, f"at least {-bound:.3g}", tier)
        for (name, (bound, tier)), value in zip(rules.items(), (one.value, one.low), strict=True)
    ]


def _allowed(one: Difference | None, margins: Margins) -> float:
    """How far it may fall behind: by the margin, or by one star."""
    return max(margins.loss, 1 / one.n) if one and one.n else margins.loss


def _unsure(one: Difference | None) -> float:
    """How far below the margin the lower end of the interval may be."""
    return max(MAX_UNSURE_LOSS, one.n**-0.5) if one and one.n else MAX_UNSURE_LOSS


def _part(one: Difference, margins: Margins) -> Finding:
    """Not worse on a type or magnitude: beyond the margin, and beyond chance."""
    name = f"{one.rate} of {one.part} against the champion"
    expected = f"at least {-margins.part_loss:.3g}, or explained by chance"
    if not one.enough:
        found = f"too few stars to tell ({one.n} of {MIN_IN_PART})"
        return Finding(name, True, found, expected, Tier.INFORMATIONAL)
    worse = one.value < -margins.part_loss and one.high < 0
    return Finding(
        name, not worse, f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})", expected
    )
