"""Shop systems: how each one's own tables are read as the canonical relations.

`NAME/RELATION.sql` selects from a system's tables what a canonical relation needs, in the
dialect of the database that the system runs on; `RELATION.LAYOUT.sql` where it keeps that in
more than one way. They become the relations `shop_RELATION`. `shared/` makes people of them,
the same for every system: accounts and guests merged by e-mail, and keyed. A segment's query
begins with those that it reads. `NAME/system.yaml` says what a system cannot give, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.segments.systems.known import System, system
from syncd.segments.systems.source import GUEST_KEY, Source

if TYPE_CHECKING:
    from syncd.settings import ShopSettings

__all__ = ["GUEST_KEY", "Source", "System", "source_of", "system"]


def source_of(shop: ShopSettings, guest_key: bytes = b"") -> Source | None:
    """How a configured shop is read; None where it has the canonical relations itself.

    Args:
        shop: The settings.
        guest_key: What e-mails of guests are hashed with; needed to read, not to ask what
            there is.

    Raises:
        ConfigError: Something is set that means nothing to the shop's system.
    """
    if shop.schema_ == "canonical":
        return None
    return Source(
        shop.schema_,
        guest_key.hex(),
        shop.layout,
        shop.prefix,
        shop.stores or (),
        shop.paid or (),
        {str(channel): where for channel, where in shop.consent.items()},
    )
