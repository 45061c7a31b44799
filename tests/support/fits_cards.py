"""FITS headers card by card, without a FITS library in between."""

import re
from typing import NamedTuple

BLOCK = 2880
CARD = 80


class Hdu(NamedTuple):
    """One HDU of a file."""

    cards: list[str]
    """All cards but END, 80 characters each."""
    body: bytes
    """Header and data."""

    def value(self, keyword: str) -> str:
        """What stands between the equals sign and the comment of a card."""
        card = next(card for card in self.cards if card.startswith(f"{keyword:8}= "))
        return re.match(r"\s*('[^']*'|[^/]*)", card[10:])[1].strip()  # type: ignore[index]


def split_hdus(body: bytes) -> list[Hdu]:
    """The three HDUs of a SPOC light curve."""
    hdus, start = [], 0
    while start < len(body):
        cards, at = [], start
        while (card := body[at : at + CARD].decode("ascii")).rstrip() != "END":
            cards.append(card)
            at += CARD
        size = 1
        hdu = Hdu(cards, b"")
        for axis in range(1, int(hdu.value("NAXIS")) + 1):
            size *= int(hdu.value(f"NAXIS{axis}"))
        n_data = size * abs(int(hdu.value("BITPIX"))) // 8 if int(hdu.value("NAXIS")) else 0
        end = start + -(-(at + CARD - start) // BLOCK) * BLOCK
        end += -(-n_data // BLOCK) * BLOCK
        hdus.append(Hdu(cards, body[start:end]))
        start = end
    return hdus


def skeleton(card: str) -> str:
    """A card without what differs from star to star: keyword and comment are left."""
    keyword, rest = card[:8], card[8:]
    if keyword == "CREATOR ":
        return keyword  # where its comment breaks depends on the length of the job number
    if keyword.startswith("CONTINUE") and "used to produce" in f"pipeline job and program {rest}":
        return keyword
    if keyword == "CONTINUE":
        return card if "(BTJD)" in card else keyword
    keyword = re.sub(r"TMOFST\d\d", "TMOFST", keyword)
    comment = re.sub(r"^(?:= )?\s*('[^']*'|[^/]*)", "", rest)
    comment = re.sub(r"camera \d and ccd \d", "camera and ccd", comment)
    comment = re.sub(r"\d{4}-\d\d-\d\dT.*", "", comment)
    return keyword + " ".join(comment.split())
