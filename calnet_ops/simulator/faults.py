"""What may go wrong at an archive, chosen by shares and a seed.

What happens to the k-th request of a URL follows from (seed, URL, k), and what becomes of a file
for good from (seed, file name): the same seed gives the same day at the archive, in whatever order
its clients come.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator import archive_forms as forms

DAY_S = 86_400.0

Share = Annotated[float, Field(ge=0, le=1)]
Kind = TypeVar("Kind", bound=StrEnum)


class Trouble(StrEnum):
    """What happens to a request; the client can tell, and the next try may do better."""

    S500 = "500"
    S502 = "502"
    S503 = "503"
    S504 = "504"
    S429 = "429"
    """With Retry-After, as seconds or as a date."""
    RESET = "reset"
    """Before the answer, or in the middle of it."""
    SHORT = "short body"
    """Fewer bytes than Content-Length says, then the end of the connection."""
    BROKEN = "broken chunks"
    """Chunked, and the end of the connection before the last chunk."""
    STALL = "stall"
    """Nothing more comes for `Faults.stall_s`."""
    DRIP = "drip"
    """The body comes in small pieces, over `Faults.drip_s`."""


class Ranged(StrEnum):
    """What becomes of a request for a part."""

    IGNORED = "ignored"
    """All of it, with 200."""
    UNMET = "416"
    WRONG_PART = "wrong part"
    """206 with other bytes than asked for, as Content-Range admits."""


class Lie(StrEnum):
    """What is told to the first who ask, and looks like an answer."""

    MISSING = "404"
    CUT = "silent cut"
    """No Content-Length, and an early but proper end."""
    FLIPPED = "flipped bit"
    HTML = "html"
    """A page of an outage, with status 200."""
    SPLICED = "spliced error"
    """Error text over, in or behind the body."""
    EMPTY = "empty"
    GZIP = "gzip"
    """Content-Encoding: gzip, though identity was asked for."""
    FOREIGN = "foreign redirect"
    """Redirect to another host."""
    NO_LINKS = "no links"
    """The bulk page without its links."""


class Fate(StrEnum):
    """What is true of a file, however often one asks."""

    SOUND = "sound"
    BAD_AT_FIRST = "bad at first"
    """Damaged at MAST, sound in the public bucket."""
    BAD_AT_BOTH = "bad at both"
    """The same damage in both places."""
    BAD_DIFFERENTLY = "bad differently"
    """Damaged in both places, not in the same way."""
    MISSING_AT_FIRST = "missing at first"
    MISSING_AT_BOTH = "missing at both"
    ALWAYS_500 = "always 500"
    """In both places, as the next two."""
    ALWAYS_RESET = "always reset"
    ALWAYS_CUT = "always cut"
    """Half of what is asked for, whatever Content-Length says."""
    LATE = "late"
    """Listed, but nowhere to be had until `Faults.late_s` have passed."""
    REDELIVERED = "redelivered"
    """Older bytes until the product was asked for `Faults.redelivered_after` times, then those of
    the folder."""


NEVER_WHOLE = {
    Fate.ALWAYS_500: "no answer",
    Fate.ALWAYS_RESET: "no answer",
    Fate.ALWAYS_CUT: "truncated",
}
"""Why a file with this fate is set aside; nothing of it is kept."""


class Damage(StrEnum):
    """What the bytes of a file have suffered that is bad for good."""

    CUT = "cut"
    HTML = "html"
    EMPTY = "empty"
    FLIPPED = "flipped bit"
    OVERWRITTEN = "overwritten"


REASONS = {
    Damage.CUT: "truncated",
    Damage.HTML: "not a FITS file",
    Damage.EMPTY: "empty file",
    Damage.FLIPPED: "checksum mismatch",
    Damage.OVERWRITTEN: "checksum mismatch",
}
"""Why a file with this damage is set aside."""


class Place(StrEnum):
    """What a URL leads to."""

    PAGE = "page"
    DOCUMENT = "document"
    """Script or table."""
    DOWNLOAD = "download"
    """MAST's address of a file, which redirects to the next."""
    PRODUCT = "product"
    SECOND = "second"
    """The same file, asked for as an object of the public bucket."""


AT_DOWNLOAD = frozenset({Lie.MISSING, Lie.HTML, Lie.EMPTY, Lie.FOREIGN})
"""Lies that can be told instead of a redirect."""
AT_PRODUCT = frozenset(Lie) - {Lie.FOREIGN, Lie.NO_LINKS}


@dataclass(frozen=True, slots=True)
class Url:
    """What is asked for."""

    text: str
    """Path and query, without escapes."""
    place: Place
    file_name: str
    """Of a light curve, else empty."""

    @classmethod
    def parse(cls, target: str) -> Self:
        """Read the target of a request."""
        parts = urlsplit(target)
        path = unquote(parts.path)
        text = f"{path}?{unquote(parts.query)}" if parts.query else path
        last = path.rpartition("/")[2]
        if path.rstrip("/") == forms.DOWNLOAD_PATH:
            uri = parse_qs(parts.query).get("uri", [""])[0]
            return cls(text, Place.DOWNLOAD, uri.removeprefix(forms.PRODUCT_URI))
        if path == f"{forms.BUCKET}{forms.product_path(last)}":
            return cls(text, Place.SECOND, last)
        if path == forms.product_path(last):
            return cls(text, Place.PRODUCT, last)
        if forms.SCRIPT.fullmatch(path) or forms.CDPP.fullmatch(path):
            return cls(text, Place.DOCUMENT, "")
        return cls(text, Place.PAGE, "")


@dataclass(frozen=True, slots=True)
class Truth:
    """What has to become of a listed file."""

    stored: bool
    trust: frozenset[str]
    """Words of the manifest that are right."""
    reason: str = ""
    """Why it is set aside."""


class Faults(BaseModel):
    """Everything that may go wrong at a mirror; nothing does by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    trouble: dict[Trouble, Share] = {}
    """Share of the requests of each kind, the first `max_per_url` of a URL only."""
    max_per_url: Annotated[int, Field(ge=0)] = 2
    """The client tries five times by default, and asks two URLs for a file."""
    ranged: dict[Ranged, Share] = {}
    """Share of the requests for a part, also the first `max_per_url` of a URL only."""
    lies: dict[Lie, Share] = {}
    """Share of the files, pages, scripts and tables about which the first answer lies."""
    lies_in_a_row: Annotated[int, Field(ge=1)] = 1
    """With two, a client that looks twice is told the same lie twice."""
    files: dict[Fate, Share] = {}
    """Share of the light curves with a fate of their own."""
    late_s: float = DAY_S
    """By the mirror's clock, which starts with it."""
    redelivered_after: Annotated[int, Field(ge=0)] = 1
    growing_for: Annotated[int, Field(ge=0)] = 0
    """Requests for a script until it is whole."""
    no_links_for: Annotated[int, Field(ge=0)] = 0
    """Requests for the bulk page until it has links."""
    second_is_down: bool = False
    """The public bucket, as an object store, answers 503 to everything."""
    second_trouble: dict[Trouble, Share] = {}
    """As `trouble`, for the public bucket as an object store."""
    redirect_status: Literal[301, 302, 303, 307, 308] = 302
    retry_after_s: Annotated[int, Field(ge=0)] = 1
    stall_s: Annotated[float, Field(ge=0)] = 120.0
    drip_s: Annotated[float, Field(ge=0)] = 10.0

    @classmethod
    def load(cls, file: Path, seed: int | None = None) -> Self:
        """Read a JSON file.

        Parameters
        ----------
        file
            The file; docs/simulator.md has an example.
        seed
            Replaces the one in the file.

        Raises
        ------
        WrongConfiguration
            If there is no such file, or it has keys, kinds or shares that do not exist.
        """
        try:
            settings = json.loads(file.read_bytes())
            return cls.model_validate(settings | ({} if seed is None else {"seed": seed}))
        except FileNotFoundError as error:
            raise WrongConfiguration(
                str(file), found="no such file", expected="faults in JSON"
            ) from error
        except (ValidationError, ValueError, TypeError) as error:
            raise WrongConfiguration(
                str(file), found=_faults_of(error), expected="the keys of `Faults`"
            ) from error

    def trouble_of(self, url: Url, k: int) -> Trouble | None:
        """What happens to the k-th request of a URL, counted from 0."""
        if k >= self.max_per_url:
            return None
        shares = self.second_trouble if url.place is Place.SECOND else self.trouble
        return _pick(shares, self.draw("trouble", url.text, k))

    def ranged_of(self, url: Url, k: int) -> Ranged | None:
        """What becomes of the k-th request of a URL if it asks for a part."""
        if k >= self.max_per_url:
            return None
        return _pick(self.ranged, self.draw("ranged", url.text, k))

    def lie_of(self, url: Url, k: int) -> Lie | None:
        """What the k-th request of a URL is told, if not the truth.

        The public bucket does not lie, nor does anybody about a file that is odd in itself: what
        has to become of that would depend on who asks when.
        """
        odd = url.file_name and self.fate_of(url.file_name) not in {Fate.SOUND, Fate.REDELIVERED}
        if odd or url.place is Place.SECOND:
            return None
        subject = url.file_name or url.text
        lie = _pick(self.lies, self.draw("lie", subject))
        first = 1 if self.draw("lie after", subject) < 0.25 else 0  # noqa: PLR2004  # mostly at once
        if lie is None or not first <= k < first + self.lies_in_a_row:
            return None
        return lie if url.place is self._where(lie, url) else None

    def fate_of(self, file_name: str) -> Fate:
        """What is true of a file."""
        return _pick(self.files, self.draw("fate", file_name)) or Fate.SOUND

    def truth(
        self, file_names: Iterable[str], *, ask_second: bool = True, late_is_over: bool = False
    ) -> dict[str, Truth]:
        """What has to become of listed two-minute files that are sound in the folder.

        Parameters
        ----------
        file_names
            Names of the files.
        ask_second
            Whether the client knows the second source.
        late_is_over
            Whether `late_s` have passed.

        Notes
        -----
        Holds if a client that looks twice is lied to once, or can ask the second source.
        """
        second = "none" if not ask_second else "down" if self.second_is_down else "good"
        return {name: self._truth_of(name, second, late_is_over) for name in file_names}

    def damage_of(self, file_name: str) -> Damage:
        """How a file is damaged, if it is."""
        return tuple(Damage)[int(self.draw("damage", file_name) * len(Damage))]

    def draw(self, *what: object) -> float:
        """Number between 0 and 1 that follows from the seed and from what it is for."""
        text = json.dumps([self.seed, *map(str, what)])
        return int.from_bytes(sha256(text.encode()).digest()[:8]) / 2**64

    def _where(self, lie: Lie, url: Url) -> Place | None:
        """At which of the addresses of a thing a lie is told; None if at none."""
        if not url.file_name:
            told = lie is not Lie.FOREIGN and (lie is not Lie.NO_LINKS or url.place is Place.PAGE)
            return url.place if told else None
        if lie in AT_DOWNLOAD and lie in AT_PRODUCT:
            at_download = self.draw("lie where", url.file_name) < 0.5  # noqa: PLR2004  # even odds
            return Place.DOWNLOAD if at_download else Place.PRODUCT
        places = {Place.DOWNLOAD: AT_DOWNLOAD, Place.PRODUCT: AT_PRODUCT}
        return next((place for place, lies in places.items() if lie in lies), None)

    def _truth_of(self, name: str, second: str, late_is_over: bool) -> Truth:
        fate, reason = self.fate_of(name), REASONS[self.damage_of(name)]
        if fate in NEVER_WHOLE:
            return Truth(stored=False, trust=frozenset({"suspect"}), reason=NEVER_WHOLE[fate])
        recovered = Truth(stored=True, trust=frozenset({"recovered"}))
        if fate in {Fate.SOUND, Fate.REDELIVERED} or (fate is Fate.LATE and late_is_over):
            return Truth(stored=True, trust=frozenset({"sound", "recovered"}))
        if fate in {Fate.BAD_AT_FIRST, Fate.MISSING_AT_FIRST} and second == "good":
            return recovered
        if fate in {Fate.MISSING_AT_FIRST, Fate.MISSING_AT_BOTH, Fate.LATE}:
            reason = "missing at source"
        agree = second == "none" or (second == "good" and fate is not Fate.BAD_DIFFERENTLY)
        return Truth(stored=False, trust=frozenset({"bad" if agree else "suspect"}), reason=reason)


def _pick(shares: Mapping[Kind, float], number: float) -> Kind | None:
    """The kind whose part of the way from 0 to 1 a number falls in."""
    for kind, share in shares.items():
        number -= share
        if number < 0:
            return kind
    return None


def _faults_of(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
