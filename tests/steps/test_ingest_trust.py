import pytest

from calnet_ops.steps.ingest_trust import SAMPLE, Look, is_sampled, judge

ARCHIVE, SECOND = "archive", "stpubdata"
GOOD = Look(ARCHIVE, digest="0000000099")
DAMAGED = Look(ARCHIVE, "checksum mismatch", "1a2b3c4d5e")
CUT = Look(ARCHIVE, "truncated", "2222222222")
PAGE = Look(ARCHIVE, "not a FITS file", "3333333333")
GONE = Look(ARCHIVE, "missing at source")
HALF = Look(ARCHIVE, "truncated", answered=False)
SILENT = Look(ARCHIVE, "no answer", answered=False)
NAMED = Look("name", "foreign product")
GOOD_2 = Look(SECOND, digest="0000000099")
DAMAGED_2 = Look(SECOND, "checksum mismatch", "1a2b3c4d5e")
CUT_2 = Look(SECOND, "truncated", "2222222222")
GONE_2 = Look(SECOND, "missing at source")
SILENT_2 = Look(SECOND, "no answer", answered=False)


@pytest.mark.parametrize(
    ("looks", "trust", "chosen"),
    [
        ([GOOD], "sound", 0),
        ([DAMAGED, GOOD], "recovered", 1),
        ([GONE, GOOD], "recovered", 1),
        ([HALF, GOOD], "recovered", 1),
        ([DAMAGED, DAMAGED, GOOD_2], "recovered", 2),
        ([GONE, GONE, GOOD_2], "recovered", 2),
        ([PAGE, GONE, GOOD_2], "recovered", 2),
        ([NAMED], "bad", 0),
        ([DAMAGED, DAMAGED], "bad", 0),
        ([DAMAGED, DAMAGED, DAMAGED_2], "bad", 0),
        ([GONE, GONE], "bad", 0),
        ([GONE, GONE, GONE_2], "bad", 0),
        ([DAMAGED, CUT], "suspect", 1),
        ([PAGE, DAMAGED, DAMAGED_2], "suspect", 1),
        ([DAMAGED, PAGE, DAMAGED_2], "suspect", 0),
        ([DAMAGED, DAMAGED, CUT_2], "suspect", 0),
        ([PAGE, DAMAGED, CUT_2], "suspect", 2),
        ([GONE, GONE, DAMAGED_2], "suspect", 0),
        ([DAMAGED, DAMAGED, GONE_2], "suspect", 0),
        ([DAMAGED, DAMAGED, SILENT_2], "suspect", 0),
        ([GONE, GONE, SILENT_2], "suspect", 0),
        ([PAGE, DAMAGED, SILENT_2], "suspect", 1),
        ([HALF, DAMAGED], "suspect", 1),
        ([DAMAGED, HALF], "suspect", 0),
        ([HALF, DAMAGED, DAMAGED_2], "bad", 1),
        ([HALF, HALF, DAMAGED_2], "suspect", 2),
        ([HALF, HALF], "suspect", 0),
        ([HALF, GONE_2], "suspect", 0),
        ([SILENT, GONE_2], "suspect", 0),
        ([SILENT, DAMAGED_2], "suspect", 1),
        ([HALF, HALF, SILENT_2], "suspect", 0),
    ],
)
def test_looks_amount_to_a_verdict(looks, trust, chosen):
    verdict = judge(looks)
    assert (verdict.trust, verdict.chosen) == (trust, chosen)


def test_evidence_counts_each_look():
    assert judge([GOOD]).evidence == "archive: sound"
    assert judge([DAMAGED, CUT, GONE_2]).evidence == (
        "archive: checksum mismatch 1a2b3c4d; archive: truncated 22222222; "
        "stpubdata: missing at source"
    )
    assert judge([GONE, GONE, SILENT_2]).evidence == (
        "archive: missing at source; archive: the same; stpubdata: no answer"
    )


def test_sample_is_about_one_in_a_hundred_and_always_the_same():
    names = [f"tess{number:013d}" for number in range(20_000)]
    sampled = [name for name in names if is_sampled(name)]
    assert len(sampled) == pytest.approx(len(names) / SAMPLE, rel=0.2)
    assert sampled == [name for name in names if is_sampled(name)]
