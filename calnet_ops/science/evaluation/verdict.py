"""What the gate says: findings of three tiers, and whether a model passes."""

import enum
from dataclasses import dataclass

MAX_TOLERATED = 1
"""Supporting checks that may fail. They are about how sure the evidence is, and about comfort; one
of them fails by chance every so often, two at once hardly."""


class Tier(enum.StrEnum):
    """What a check is worth."""

    CRITICAL = "critical"
    """Fails: the model is not promoted."""
    SUPPORTING = "supporting"
    """Fails: said, and not promoted if more than `MAX_TOLERATED` do."""
    INFORMATIONAL = "informational"
    """Never stops a model."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one rule."""

    rule: str
    passed: bool
    found: str
    expected: str
    tier: Tier = Tier.CRITICAL
    ran: bool = True
    """A check that was not run is a failed check, and is not tolerated."""

    @property
    def text(self) -> str:
        """The finding in words."""
        return f"{self.rule}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a model."""

    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """What alone is enough: critical checks that failed, supporting ones that were not run."""
        return tuple(
            finding for finding in self._failed if finding.tier is Tier.CRITICAL or not finding.ran
        )

    @property
    def doubtful(self) -> tuple[Finding, ...]:
        """Supporting checks that were run and failed."""
        blocking = self.blocking
        return tuple(finding for finding in self._failed if finding not in blocking)

    @property
    def passed(self) -> bool:
        """Whether the model may be promoted; nothing found is nothing checked, and does not pass.

        Every critical check holds, and all supporting ones but `MAX_TOLERATED`.
        """
        return bool(self.findings) and not self.blocking and len(self.doubtful) <= MAX_TOLERATED

    @property
    def word(self) -> str:
        """``pass`` or ``fail``, as the version's tag says it."""
        return "pass" if self.passed else "fail"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not; empty for a model that passes."""
        return () if self.passed else tuple(one.text for one in (*self.blocking, *self.doubtful))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is tolerated in a model that passes."""
        return tuple(one.text for one in self.doubtful) if self.passed else ()

    @property
    def _failed(self) -> tuple[Finding, ...]:
        return tuple(
            finding
            for finding in self.findings
            if not finding.passed and finding.tier is not Tier.INFORMATIONAL
        )
