"""What catalogs know of a star beside their verdict: ephemeris, place, other names."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns; what was said before has nothing in them."""
    for name in ("period_d", "epoch_btjd", "depth", "ra", "dec"):
        op.add_column("decision", sa.Column(name, sa.Double))
    for name in ("gaia", "same_as"):
        op.add_column("decision", sa.Column(name, sa.BigInteger))
