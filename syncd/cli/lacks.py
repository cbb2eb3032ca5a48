"""Which segments of the catalogue the configured shop cannot serve, and why."""

from __future__ import annotations

from syncd.segments import catalogue, unavailable
from syncd.segments.canonical import RELATIONS
from syncd.segments.systems import source_of
from syncd.settings import Settings, shop_password
from syncd.shop import open_shop


def lacking_in(settings: Settings) -> dict[str, str]:
    """Of each segment that is unavailable: the reason.

    Of a shop system that is known; a shop with canonical tables is asked which it has.

    Raises:
        syncd.errors.ShopError: It cannot be asked.
        syncd.errors.ConfigError: Something is set that means nothing to the shop's system.
    """
    shop, source = settings.shop, source_of(settings.shop)
    if source:
        found = {
            each.name: unavailable(each.name, source, source.system.dialect) for each in catalogue()
        }
    else:
        opened = open_shop(shop.url, shop_password(settings), timezone=shop.timezone)
        served = opened.columns(relation.name for relation in RELATIONS)
        found = {
            each.name: unavailable(each.name, None, opened.dialect, served) for each in catalogue()
        }
    return {name: reason for name, reason in found.items() if reason}
