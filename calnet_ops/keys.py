"""Every name in the object store, both ways: from what a thing is to its key, and back.

A sector is an `int` everywhere; its text form, the partition key ``s087``, is made and
read here and nowhere else. SPOC file names keep their own ``s0087`` (`SpocName`).
"""

import re
from dataclasses import dataclass
from typing import Self

from typing_extensions import override

from calnet_ops.errors import ForeignProduct, WrongConfiguration

LATEST = "releases/latest.json"
"""The one pointer in the store: which release is current. Moved last."""

DATASETS = "datasets/"
"""Prefix of data sets."""

TRAININGS = "training/"
"""Prefix of the states of all trainings that are not finished."""

_SECTOR = re.compile(r"(?:s(?=[0-9]{3}))?([0-9]{1,4})").fullmatch
_SPOC = re.compile(r"tess([0-9]{13})-s([0-9]{4})-([0-9]{16})-([0-9]{4})-s_lc\.fits").fullmatch
"""Digits of ASCII only, and nothing before or behind: names come from outside."""


def sector_key(sector: int) -> str:
    """Partition key of a sector: ``s087``.

    Examples
    --------
    >>> sector_key(87), sector_key(1751)
    ('s087', 's1751')
    """
    return f"s{sector:03d}"


def parse_sector(text: str) -> int:
    """Sector number of a partition key; plain numbers are taken as well.

    Raises
    ------
    WrongConfiguration
        If the text is neither ``s087`` nor ``87``.

    Examples
    --------
    >>> parse_sector("s087"), parse_sector("87")
    (87, 87)
    """
    match = _SECTOR(text)
    number = int(match[1]) if match else 0
    if not number:
        found = repr(text[:80])
        raise WrongConfiguration("sector", found=found, expected="a number such as 87 or s087")
    return number


@dataclass(frozen=True, slots=True)
class SpocName:
    """What the file name of a SPOC two-minute light curve says.

    References
    ----------
    TESS Science Data Products Description Document, EXP-TESS-ARC-ICD-0014, section 3.
    """

    stamp: str
    """Start of the pointing, UTC as yyyydddhhmmss."""
    sector: int
    """TESS sector."""
    tic: int
    """TESS Input Catalog number."""
    scid: str
    """Spacecraft configuration, four digits."""

    @classmethod
    def parse(cls, file_name: str) -> Self:
        """Read a file name.

        Raises
        ------
        ForeignProduct
            If it is not exactly that of a two-minute light curve: 20-s files
            (``a_fast-lc``) and HLSP products look alike.
        """
        match = _SPOC(file_name)
        if match is None:
            raise ForeignProduct(
                file_name,
                found="another name",
                expected="tess…-sNNNN-<TIC, 16 digits>-NNNN-s_lc.fits",
            )
        stamp, sector, tic, scid = match.groups()
        return cls(stamp, int(sector), int(tic), scid)

    @override
    def __str__(self) -> str:
        return f"tess{self.stamp}-s{self.sector:04d}-{self.tic:016d}-{self.scid}-s_lc.fits"


def public_key(file_name: str) -> str:
    """Key of a light curve in the public bucket of TESS products.

    Raises
    ------
    ForeignProduct
        If it is not the name of a two-minute light curve.

    Examples
    --------
    >>> public_key("tess2018206045859-s0001-0000000261136679-0120-s_lc.fits")
    'tess/public/tid/s0001/0000/0002/6113/6679/tess2018206045859-s0001-0000000261136679-0120-s_lc.fits'
    """
    name = SpocName.parse(file_name)
    digits = f"{name.tic:016d}"
    quarters = "/".join(digits[start : start + 4] for start in range(0, 16, 4))
    return f"tess/public/tid/s{name.sector:04d}/{quarters}/{file_name}"


def raw(sector: int, delivery: int, file_name: str) -> str:
    """Raw light curve as the archive served it; delivery 2 and later keep to their own folder."""
    folder = f"tess/lc/{sector_key(sector)}/"
    return f"{folder}{file_name}" if delivery == 1 else f"{folder}d{delivery}/{file_name}"


def quarantine(sector: int, sha256: str, file_name: str) -> str:
    """A file that is not believed, kept as it came."""
    return f"{quarantine_folder(sector)}{sha256[:16]}/{file_name}"


def quarantine_folder(sector: int) -> str:
    """Prefix of the files of a sector that are not believed."""
    return f"quarantine/{sector_key(sector)}/"


def plan(sector: int, lineage: str) -> str:
    """What an ingest set out to pull: one row a listed file."""
    return f"manifest/{sector_key(sector)}/{lineage}-plan.parquet"


def manifest(sector: int, lineage: str) -> str:
    """What became of each listed file of a delivery (or of a shard of it)."""
    return f"{manifest_folder(sector)}{lineage}.parquet"


def manifest_folder(sector: int) -> str:
    """Prefix of everything that tells what became of the files of a sector."""
    return f"manifest/{sector_key(sector)}/"


def delivery_diff(sector: int, lineage: str) -> str:
    """Files in which a delivery differs from the one before."""
    return f"manifest/{sector_key(sector)}/{lineage}-diff.parquet"


def statistics(sector: int, lineage: str) -> str:
    """Statistics of each file, computed while its bytes passed."""
    return f"checks/{sector_key(sector)}/{lineage}-statistics.parquet"


def check_report(sector: int, lineage: str) -> str:
    """Verdict of the checks on a sector."""
    return f"checks/{sector_key(sector)}/{lineage}.json"


def check_marks(sector: int, lineage: str) -> str:
    """Files of a sector that checks found odd, but not wrong."""
    return f"checks/{sector_key(sector)}/{lineage}-marks.parquet"


def data_docs(sector: int, lineage: str, page: str = "index.html") -> str:
    """A page of the Great Expectations Data Docs of a sector."""
    return f"checks/{sector_key(sector)}/{lineage}-docs/{page}"


def catalog_report(lineage: str) -> str:
    """Verdict of the checks on a catalog that is to be released."""
    return f"checks/catalog/{lineage}.json"


def catalog_docs(lineage: str, page: str = "index.html") -> str:
    """A page of the Great Expectations Data Docs of such a catalog."""
    return f"checks/catalog/{lineage}-docs/{page}"


def known_issues(table_id: str) -> str:
    """A version of the table of known issues."""
    return f"known-issues/{table_id}.parquet"


def features(version: str, sector: int, lineage: str) -> str:
    """Features of a shard."""
    return f"features/{version}/{sector_key(sector)}/{lineage}.parquet"


def skipped(version: str, sector: int, lineage: str) -> str:
    """Files of a shard that gave no features, and why."""
    return f"features/{version}/{sector_key(sector)}/{lineage}-skipped.parquet"


def feature_statistics(version: str, sector: int, lineage: str) -> str:
    """Statistics of the features of a shard, one row a segment."""
    return f"features/{version}/{sector_key(sector)}/{lineage}-statistics.parquet"


def feature_statistics_of(features_key: str) -> str:
    """Statistics of the features under a key.

    Examples
    --------
    >>> feature_statistics_of(features("v2", 87, "ab12")) == feature_statistics("v2", 87, "ab12")
    True
    """
    return f"{features_key.removesuffix('.parquet')}-statistics.parquet"


def sector_of(features_key: str) -> int:
    """Sector of the features under a key.

    Examples
    --------
    >>> sector_of(features("v2", 87, "ab12"))
    87
    """
    return parse_sector(features_key.split("/")[2])


def scores(model_id: str, sector: int, lineage: str) -> str:
    """Scores of the segments of a shard."""
    return f"scores/{model_id}/{sector_key(sector)}/{lineage}.parquet"


def target_scores(model_id: str, sector: int, lineage: str) -> str:
    """Probabilities of the targets of a sector."""
    return f"scores/{model_id}/{sector_key(sector)}/{lineage}-targets.parquet"


def drift(model_id: str, sector: int, lineage: str, part: str) -> str:
    """A part of what is told of a sector's drift: ``stars.parquet``, ``index.html``, …."""
    return f"drift/{model_id}/{sector_key(sector)}/{lineage}/{part}"


def candidates(model_id: str, sector: int, lineage: str) -> str:
    """Characterised candidates of a sector."""
    return f"candidates/{model_id}/{sector_key(sector)}/{lineage}.parquet"


def photocentres(model_id: str, sector: int, lineage: str) -> str:
    """How the photocentres of a sector's candidates move in eclipse."""
    return f"candidates/{model_id}/{sector_key(sector)}/{lineage}-photocentres.parquet"


def attribution(model_id: str, sector: int, lineage: str) -> str:
    """Whose eclipses the candidates of a sector show."""
    return f"candidates/{model_id}/{sector_key(sector)}/{lineage}-attribution.parquet"


def label_set(set_id: str) -> str:
    """A frozen set of labels."""
    return f"labels/{set_id}.parquet"


def dataset(dataset_id: str) -> str:
    """Which segments a model learned from and which it was judged on."""
    return f"{DATASETS}{dataset_id}.parquet"


def dataset_recipe(dataset_id: str) -> str:
    """What a data set was made from."""
    return f"{DATASETS}{dataset_id}-recipe.json"


def dataset_report(dataset_id: str) -> str:
    """What is in a data set, and what was left out of it."""
    return f"{DATASETS}{dataset_id}-report.json"


def not_negatives(lineage: str) -> str:
    """Stars that must not be taken for "no binary" just because nobody labelled them."""
    return f"labels/{lineage}-not-negatives.parquet"


def model(model_id: str, part: str) -> str:
    """A part of a model: ``calnet.npz``, ``calnet.tflite``, ``calnet.keras``, ``model.json``."""
    return f"models/{model_id}/{part}"


def signature(model_id: str, fingerprint: str) -> str:
    """Signature of a model's files by the key with this fingerprint."""
    return model(model_id, signature_name(fingerprint))


def signature_name(fingerprint: str) -> str:
    """File name of a signature: a model may be signed by several keys."""
    return f"model-{fingerprint[:16]}.sig"


def training_states(lineage: str) -> str:
    """Prefix of the states of a training that is not finished."""
    return f"{TRAININGS}{lineage}/"


def training_state(lineage: str, epoch: int) -> str:
    """Where a training stood after an epoch."""
    return f"{training_states(lineage)}epoch-{epoch:04d}.npz"


def staging(lineage: str, part: str = "") -> str:
    """A release that nobody has approved yet."""
    return f"staging/{lineage}/{part}"


def release(version: str, part: str = "") -> str:
    """A file of a published release."""
    return f"releases/{version}/{part}"


def audit_report(lineage: str) -> str:
    """What the weekly audit found."""
    return f"audit/{lineage}.json"
