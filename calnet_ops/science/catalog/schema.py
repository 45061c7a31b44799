"""The columns of the catalog: the one place. Formats, docs and tests follow from here.

A catalog is a `pyarrow.Table`: it has a missing value for every type, compares exactly and is
what the store already speaks; astropy's masked tables give neither. `conform` makes any table
of the right columns a catalog, so that each of the formats can keep all of it:

- a float that is not a number is a missing value (FITS has one word for both),
- an empty text is a missing value (FITS, CSV and VOTable have one word for both),
- rows are sorted by TIC number, facts about the whole catalog are in the schema's metadata.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.errors import WrongLayout

Datatype = Literal["int64", "int32", "float64", "text", "bool"]
"""What a column holds; every format has a word for each."""

ARROW = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the catalog."""

    name: str
    unit: str
    """As FITS and astropy spell it; empty if it has none."""
    ucd: str
    """IVOA Unified Content Descriptor, version 1+."""
    datatype: Datatype
    null: str
    """When the value is missing; empty if it never is."""
    description: str
    decimals: int | None = None
    """Digits kept after the point: enough for the science, short enough to read."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing said about the whole catalog, in every format."""

    name: str
    keyword: str
    """Its FITS keyword."""
    description: str


COLUMNS: tuple[Column, ...] = (
    Column("tic", "", "meta.id;meta.main", "int64", "", "Number in the TESS Input Catalog"),
    Column("ra", "deg", "pos.eq.ra;meta.main", "float64", "not in the light curve's header",
           "Right ascension, ICRS, epoch J2000", 7),
    Column("dec", "deg", "pos.eq.dec;meta.main", "float64", "not in the light curve's header",
           "Declination, ICRS, epoch J2000", 7),
    Column("tmag", "mag", "phot.mag;em.opt.I", "float64", "not in the light curve's header",
           "TESS magnitude", 4),
    Column("teff", "K", "phys.temperature.effective", "float64", "not in the light curve's header",
           "Effective temperature, from the TESS Input Catalog", 1),
    Column("sectors", "", "meta.id.parent;obs", "text", "",
           "Sectors in which it is a candidate, comma-separated"),
    Column("n_sector", "", "meta.number;obs", "int32", "", "Number of those sectors"),
    Column("n_sector_scored", "", "meta.number;obs", "int32", "",
           "Number of sectors in which the star was scored at all"),
    Column("n_segment", "", "meta.number;obs", "int32", "",
           "Gap-free pieces of light curve scored in those candidate sectors"),
    Column("probability", "", "stat.probability", "float64", "",
           "Calibrated probability of an eclipsing binary, from all sectors in which the star was "
           "scored; below the threshold if few of them show it, as with a long period", 6),
    Column("tier", "", "meta.code.qual", "text", "",
           "confirmed: the vetters said EB; model: only the model did"),
    Column("eb_type", "", "src.class;src.var", "text", "no period",
           "Shape of the light curve: EA detached, EB semi-detached, EW contact; the vetters' word "
           "if they gave one, else the likeliest"),
    Column("probability_ea", "", "stat.probability;src.class", "float64", "no period",
           "Probability of type EA, given that it is an eclipsing binary", 3),
    Column("probability_eb", "", "stat.probability;src.class", "float64", "no period",
           "Probability of type EB, given that it is an eclipsing binary", 3),
    Column("probability_ew", "", "stat.probability;src.class", "float64", "no period",
           "Probability of type EW, given that it is an eclipsing binary", 3),
    Column("morphology", "", "src.morph.param", "float64", "no period",
           "From 0 (narrow eclipses) to 1 (a sine), after the morphology parameter of Prsa et al. "
           "2022", 3),
    Column("period", "d", "time.period", "float64", "fewer than two eclipses seen",
           "Orbital period: two minima a cycle for EB and EW", 8),
    Column("period_err", "d", "stat.error;time.period", "float64", "no period",
           "One-sigma error of the period", 9),
    Column("epoch_bjd_tdb", "d", "time.epoch", "float64", "no eclipse measured",
           "Middle of a primary eclipse, BJD in TDB; without a period that of the deepest", 6),
    Column("epoch_err", "d", "stat.error;time.epoch", "float64", "no eclipse measured",
           "One-sigma error of the epoch", 6),
    Column("depth_1", "", "phot.flux;arith.ratio", "float64", "no eclipse measured",
           "Depth of the primary eclipse, relative to the flux outside eclipse", 6),
    Column("depth_1_err", "", "stat.error;phot.flux;arith.ratio", "float64",
           "no eclipse measured", "One-sigma error of the primary depth", 6),
    Column("depth_2", "", "phot.flux;arith.ratio", "float64", "no secondary eclipse",
           "Depth of the secondary eclipse, relative to the flux outside eclipse", 6),
    Column("depth_2_err", "", "stat.error;phot.flux;arith.ratio", "float64",
           "no secondary eclipse", "One-sigma error of the secondary depth", 6),
    Column("duration_1", "h", "time.duration", "float64", "no eclipse measured",
           "Width of the primary eclipse at a tenth of its depth", 4),
    Column("duration_1_err", "h", "stat.error;time.duration", "float64", "no eclipse measured",
           "One-sigma error of the primary width", 4),
    Column("duration_2", "h", "time.duration", "float64", "no secondary eclipse",
           "Width of the secondary eclipse at a tenth of its depth", 4),
    Column("duration_2_err", "h", "stat.error;time.duration", "float64", "no secondary eclipse",
           "One-sigma error of the secondary width", 4),
    Column("n_eclipse", "", "meta.number", "int32", "no eclipse measured",
           "Primary eclipses with data, in the light curves measured; without a period, how many "
           "like the deepest: 1 is a single eclipse"),
    Column("n_sector_measured", "", "meta.number;obs", "int32", "no eclipse measured",
           "Sectors whose light curves were measured together"),
    Column("group_id", "", "meta.id.assoc", "int64", "not attributed",
           "Smallest TIC number among the candidates that show the same eclipses; the star's own "
           "if it is alone"),
    Column("n_match", "", "meta.number", "int32", "not attributed",
           "Other candidates nearby that show the same eclipses"),
    Column("p_on_target", "", "stat.probability", "float64", "not attributed",
           "Probability that this star eclipses, and no other star whose light is in its aperture "
           "does", 4),
    Column("centroid_offset", "arcsec", "pos.angDistance", "float64",
           "the photocentre could not be measured",
           "Distance of the eclipsed source from the target, by the motion of the photocentre", 2),
    Column("centroid_offset_err", "arcsec", "stat.error;pos.angDistance", "float64",
           "the photocentre could not be measured",
           "One-sigma error of that distance, that of the target's own place in it", 2),
    Column("centroid_sigma", "", "stat.snr;pos.angDistance", "float64",
           "the photocentre could not be measured",
           "The same distance in units of its error, both axes counted", 2),
    Column("neighbour_distance", "arcsec", "pos.angDistance", "float64",
           "no other candidate or target within 63 arcsec",
           "To the nearest other candidate, or star with a two-minute light curve", 2),
    Column("n_vote_eb", "", "meta.number", "int32", "", "Vetters who said it is an EB"),
    Column("n_vote_not_eb", "", "meta.number", "int32", "", "Vetters who said it is none"),
    Column("n_vote_unsure", "", "meta.number", "int32", "", "Vetters who were not sure"),
    Column("planet_host", "", "meta.code", "bool", "",
           "Known or confirmed planet host (TOI disposition KP or CP): rarely an EB as well"),
    Column("marks", "", "meta.note", "text", "no check speaks against a light curve of it",
           "Expectations that its light curves did not meet, by candidate sector"),
    Column("simulated", "", "meta.modelled", "bool", "", "Whether this star is a simulated one"),
    Column("model_version", "", "meta.version", "int32", "",
           "Version of the model in the registry that found it"),
    Column("release", "", "meta.version;meta.main", "text", "",
           "Version of the release this row belongs to; plain CSV has no other place for it"),
)  # fmt: skip
"""In the order in which they are written."""

FACTS: tuple[Fact, ...] = (
    Fact("title", "TITLE", "what this is"),
    Fact("release", "RELEASE", "version of the release"),
    Fact("simulated", "SIMDATA", "whether anything in it comes from simulation"),
    Fact("lineage", "LINEAGE", "id of all inputs of the release"),
    Fact("model_id", "MODELID", "first 16 hex digits of the model's SHA-256"),
    Fact("model_version", "MODELVER", "version of the model in the registry"),
    Fact("threshold", "THRESHLD", "probability from which a target is a candidate"),
)
"""Said in the metadata of every format."""

TITLE = "calnet-ops: eclipsing binaries in TESS two-minute light curves"


def field(column: Column) -> pa.Field:
    """Arrow field of a column, with unit, UCD and description in its metadata."""
    facts = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return pa.field(column.name, ARROW[column.datatype], nullable=bool(column.null), metadata=facts)


def schema(facts: Mapping[str, str]) -> pa.Schema:
    """Arrow schema of a catalog of which `facts` are true.

    Raises
    ------
    WrongLayout
        If a fact is unknown or one is not given.
    """
    names = [fact.name for fact in FACTS]
    if set(facts) != set(names):
        raise WrongLayout("facts of the catalog", found=f"{sorted(facts)}", expected=f"{names}")
    return pa.schema(map(field, COLUMNS), metadata={name: facts[name] for name in names})


def facts_of(table: pa.Table) -> dict[str, str]:
    """Read what is said about the whole catalog."""
    metadata = table.schema.metadata or {}
    return {fact.name: metadata[fact.name.encode()].decode() for fact in FACTS}


def from_rows(rows: Iterable[Mapping[str, Any]], facts: Mapping[str, str]) -> pa.Table:
    """Catalog of some rows; values are rounded as their columns say."""
    rounded = [{column.name: _rounded(column, row) for column in COLUMNS} for row in rows]
    names = [column.name for column in COLUMNS]
    return conform({name: [row[name] for row in rounded] for name in names}, facts)


def conform(columns: Mapping[str, Any], facts: Mapping[str, str]) -> pa.Table:
    """Catalog of some columns (lists, arrays): right types and order, one kind of missing value.

    Raises
    ------
    WrongLayout
        If a column is unknown, one that is never missing is, or a value is of another type.
    """
    target = schema(facts)
    unknown = set(columns) - set(target.names)
    if unknown:
        raise WrongLayout("catalog", found=f"columns {sorted(unknown)}", expected="docs/catalog.md")
    arrays = []
    for column in COLUMNS:
        if column.name not in columns and not column.null:
            raise WrongLayout("catalog", found=f"no column {column.name}", expected="one")
        arrays.append(_array(column, columns.get(column.name), columns))
    table = pa.Table.from_arrays(arrays, schema=target)
    return table.sort_by("tic").combine_chunks()


def _array(column: Column, values: Any, columns: Mapping[str, Any]) -> pa.Array:
    arrow = ARROW[column.datatype]
    if values is None:
        return pa.nulls(len(next(iter(columns.values()))), arrow)
    try:
        array = pa.array(values, arrow, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise WrongLayout(
            f"catalog column {column.name}", found=str(error), expected=column.datatype
        ) from error
    if column.datatype == "text":
        array = pc.utf8_trim_whitespace(array)
        array = pc.if_else(pc.equal(array, ""), pa.scalar(None, arrow), array)
    if column.datatype == "float64":
        array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, arrow))
    if array.null_count and not column.null:
        raise WrongLayout(
            f"catalog column {column.name}",
            found=f"{array.null_count} missing values",
            expected="none",
        )
    return array


def _rounded(column: Column, row: Mapping[str, Any]) -> Any:
    value = row.get(column.name)
    if value is None or column.decimals is None:
        return value
    return round(float(value), column.decimals)
