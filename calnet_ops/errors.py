"""Every error that calnet-ops raises on purpose, sorted by what to do about it.

::

    CalnetError
    ├── TransientError      try again: Airflow retries with back-off
    ├── RejectedInput       set this one thing aside and go on: Airflow never sees it
    │   ├── QuarantinedFile the bytes are not to be believed: kept in quarantine/
    │   └── SkippedInput    the bytes are fine, but there is nothing to score in them
    └── HaltError           stop this sector at once and tell a person
"""


class CalnetError(Exception):
    """Say what went wrong: what, found, expected, and what a person can do.

    Parameters
    ----------
    what
        The thing at fault: a file, a key, a sector, an option.
    found, expected
        What was met and what should have been there, in words or numbers with units.
    cure
        What a person can do about it, if there is anything.
    """

    reason = "error"
    """Short name of the reason; the word counted in summaries and metrics."""

    def __init__(self, what: str, *, found: str, expected: str, cure: str = "") -> None:
        self.what = _printable(what)
        self.found = _printable(found)
        self.expected = expected
        self.cure = cure
        text = f"{self.what}: {self.reason}: found {self.found}, expected {expected}"
        super().__init__(f"{text}. {cure}" if cure else text)


def _printable(text: str) -> str:
    """Text from outside, with what would move the cursor or break the line written in ASCII."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class TransientError(CalnetError):
    """It may work next time."""

    reason = "temporary failure"

    retry_after_s = 0.0
    """Not to be tried again before [s]."""

    n_try = 1
    """Tries that came to this."""


class ArchiveUnavailable(TransientError):
    """The archive did not answer, or not with what it listed."""

    reason = "archive unavailable"


class LeftAlone(ArchiveUnavailable):
    """The archive was not asked at all, because it failed too often or asked for a rest."""

    reason = "archive left alone"


class DeliveredAgain(ArchiveUnavailable):
    """The archive delivered a sector again while it was ingested: what was pulled is kept.

    To try again is of no use: the new delivery is ingested when it is listed.
    """

    reason = "delivered again"


class IncompleteDownload(TransientError):
    """Fewer bytes arrived than the archive announced."""

    reason = "incomplete download"


class WorkUnderWay(TransientError):
    """Somebody else is at work that only one may do at a time."""

    reason = "work under way"


class ServiceUnavailable(TransientError):
    """One of our own servers (store, registry, scheduler) did not answer."""

    reason = "service unavailable"


class RejectedInput(CalnetError):
    """One thing cannot be used; everything else goes on."""

    reason = "rejected"


class QuarantinedFile(RejectedInput):
    """The bytes of this file are not to be believed."""

    reason = "quarantined"


class EmptyFile(QuarantinedFile):
    """No bytes at all."""

    reason = "empty file"


class NotFits(QuarantinedFile):
    """Something else, often an HTML error page, under the name of a FITS file."""

    reason = "not a FITS file"


class Truncated(QuarantinedFile):
    """The file ends before its headers say it should."""

    reason = "truncated"


class ChecksumMismatch(QuarantinedFile):
    """An HDU's bytes do not sum up to what its CHECKSUM card promises."""

    reason = "checksum mismatch"


class WrongLayout(QuarantinedFile):
    """HDUs or columns are not those of a SPOC light curve."""

    reason = "unexpected layout"


class ForeignProduct(QuarantinedFile):
    """Another product (20-s, full-frame, HLSP) under or beside the names of this one."""

    reason = "foreign product"


class HeaderDisagrees(QuarantinedFile):
    """Header and file name tell of different stars or sectors."""

    reason = "header disagrees with file name"


class OtherSector(QuarantinedFile):
    """A light curve of a sector other than the one whose script lists it, by its name."""

    reason = "of another sector"


class DuplicateTarget(QuarantinedFile):
    """A second file of the same star in the same sector."""

    reason = "duplicate target"


class FluxWithoutTime(QuarantinedFile):
    """Cadences of QUALITY 0 have a flux but no time, which SPOC never writes."""

    reason = "flux without time"


class TimesNotIncreasing(QuarantinedFile):
    """Time stands still or runs backwards."""

    reason = "times not increasing"


class MissingAtSource(QuarantinedFile):
    """Listed by the archive but not to be had from it."""

    reason = "missing at source"


class NotServed(QuarantinedFile):
    """The archive fails at every try for this file, while it gives others."""

    reason = "no answer"


class SkippedInput(RejectedInput):
    """Nothing in it can be scored."""

    reason = "skipped"


class NoGoodCadences(SkippedInput):
    """No cadence has QUALITY 0, a time and a flux."""

    reason = "no good cadences"


class TooFewCadences(SkippedInput):
    """No segment is long enough."""

    reason = "too few good cadences"


class ConstantFlux(SkippedInput):
    """All fluxes of a segment are equal, so there is no shape to look at."""

    reason = "constant flux"


class HaltError(CalnetError):
    """Go no further: a person has to look."""

    reason = "halted"


class WrongConfiguration(HaltError):
    """`paths.json`, the environment or an option is not usable as it stands."""

    reason = "wrong configuration"


class KeyTaken(HaltError):
    """A write-once key already holds other bytes."""

    reason = "key already holds other bytes"


class SectorNotTrusted(HaltError):
    """A check of the whole sector failed."""

    reason = "sector failed its checks"


class MissingInput(HaltError):
    """A step was asked to run before what it reads exists."""

    reason = "missing input"


class DamagedObject(HaltError):
    """An object of the store is there, but is not what was stored."""

    reason = "damaged object"


class FeaturesDiffer(HaltError):
    """A model was given features of another version than it learned from."""

    reason = "features of another version"


class ExportDiffers(HaltError):
    """The exported graph does not score as the network it was made from."""

    reason = "export differs"


class ModelNotTrusted(HaltError):
    """A file of a model is not the one that was signed, or nobody signed it."""

    reason = "model not trusted"


class ModelRefused(HaltError):
    """A model file from elsewhere is not safe, or not a form of CALNet."""

    reason = "model file refused"


class PromotionRefused(HaltError):
    """The model that was promoted has not passed the gate."""

    reason = "promotion refused"


class ReleaseRefused(HaltError):
    """What was staged must not be published as it stands."""

    reason = "release refused"
