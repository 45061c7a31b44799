"""What is stored of whose eclipses the candidates show."""

from collections.abc import Iterable

from calnet_ops.adapters.ledger import Ledger, StepRecord

ATTRIBUTED = "attribution"
"""Name of the records in the ledger."""


def newest_attributions(candidates: Iterable[StepRecord], ledger: Ledger) -> dict[int, StepRecord]:
    """Newest attribution of each of these tables of candidates, by sector; some have none.

    Parameters
    ----------
    candidates
        Records of candidates, of different sectors.
    ledger
        Where attributions are noted.
    """
    wanted = {record.key for record in candidates}
    records = ledger.records(ATTRIBUTED)
    return {item.sector: item for item in records if item.facts["candidates"] in wanted}
