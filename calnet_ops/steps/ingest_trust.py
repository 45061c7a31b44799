"""Whether to believe a file, after how many looks at it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from calnet_ops.lineage import sha256_hex

SOUND = "sound"
"""Every check passed at the first look."""

RECOVERED = "recovered"
"""Every check passed, but not at the first look."""

SUSPECT = "suspect"
"""Not believed, and the looks do not agree or one got no answer; or bytes of an earlier delivery
stand, because no source has any now. The re-poll asks again."""

BAD = "bad"
"""Not believed, and every source says the same."""

SAME, DIFFERS, MISSING = "same", "differs", "missing"
"""What the second source has of a file that was compared."""

SAMPLE = 100
"""One file in so many is compared between the two sources: of 20,000 files 200, which notice with
87% odds that one in a hundred differs."""

SHOWN = 8
"""Hex digits of a sha256 in evidence."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one request for a file gave."""

    source: str
    """Who was asked."""
    reason: str = ""
    """Why the answer is not believed; empty if it is."""
    digest: str = ""
    """sha256 of the bytes; empty if none came."""
    answered: bool = True
    """Whether this is all that the source has, be it bytes or a "no such file"."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What some looks amount to."""

    trust: str
    """`SOUND`, `RECOVERED`, `SUSPECT` or `BAD`."""
    chosen: int
    """The look whose bytes or reason count."""
    evidence: str
    """Each look in words."""


def judge(looks: Sequence[Look]) -> Verdict:
    """Weigh the looks at a file; the last of them ends the inquiry, sound or not.

    Parameters
    ----------
    looks
        In their order, at least one. None but the last may be sound.

    Notes
    -----
    Bad takes answers that are all the same, of which the last source's is one, and two of them
    if more than one was asked for (a name that says enough is one look). Of answers that differ,
    the most common one names the reason; of equally common ones the latest.

    Examples
    --------
    >>> damaged = Look("archive", "checksum mismatch", "1a2b3c4d5e")
    >>> judge([damaged, damaged, Look("stpubdata", digest="77")]).evidence
    'archive: checksum mismatch 1a2b3c4d; archive: the same; stpubdata: sound'
    """
    evidence = "; ".join(_words(looks))
    last = len(looks) - 1
    if not looks[last].reason:
        return Verdict(RECOVERED if last else SOUND, last, evidence)
    kinds = [(look.reason, look.digest) for look in looks]
    answered = [kind for look, kind in zip(looks, kinds, strict=True) if look.answered]
    first_answered = any(look.answered for look in looks if look.source == looks[0].source)
    if not first_answered and not any(digest for _reason, digest in answered):
        return Verdict(SUSPECT, 0, evidence)  # the second source cannot say that there is no file
    counts = Counter(answered)
    latest = {kind: number for number, kind in enumerate(kinds)}
    common = max(counts, key=lambda kind: (counts[kind], latest[kind]))
    alone = len(answered) == 1 < len(looks)
    agreed = len(counts) == 1 and not alone and looks[last].answered
    return Verdict(BAD if agreed else SUSPECT, kinds.index(common), evidence)


def is_sampled(file_name: str) -> bool:
    """Whether a file is compared between the sources: by its name, so always the same ones."""
    return int(sha256_hex(file_name.encode())[:8], 16) % SAMPLE == 0


def _words(looks: Sequence[Look]) -> list[str]:
    """One phrase for each look."""
    phrases = []
    for number, look in enumerate(looks):
        before = looks[number - 1] if number else None
        same = before and (before.reason, before.digest) == (look.reason, look.digest)
        what = f"{look.reason} {look.digest[:SHOWN]}".strip() if look.reason else SOUND
        phrases.append(f"{look.source}: {'the same' if same else what}")
    return phrases
