"""What the shops of the world sell: products in a tree of categories, and lines of them.

Each system keeps these in its own tables; what a line came to is the same in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf; `parent` is the number of the one that it is part of."""

    number: int
    name: str
    slug: str
    parent: int | None = None

    @property
    def line(self) -> tuple[Category, ...]:
        """From the root down to itself."""
        above = next((each.line for each in CATEGORIES if each.number == self.parent), ())
        return (*above, self)

    @property
    def path(self) -> str:
        return f"/{'/'.join(each.slug for each in self.line)}/"


CATEGORIES = (
    Category(41, "Home & Garden", "home-garden"),
    Category(42, "Candles", "candles", 41),
    Category(43, "Throws", "throws", 41),
    Category(44, "Coffee & Tea", "coffee"),
)


@dataclass(frozen=True, slots=True)
class Product:
    """Something that is sold.

    Attributes:
        variant: Number and sku of the variant that is sold in its place, where it has any.
        gift_card: A voucher.
    """

    number: int
    sku: str
    category: int | None
    launched_at: datetime
    variant: tuple[int, str] | None = None
    gift_card: bool = False

    @property
    def sold_as(self) -> str:
        """The sku of what lies in the basket."""
        return self.variant[1] if self.variant else self.sku

    @property
    def shelf(self) -> Category | None:
        return next((each for each in CATEGORIES if each.number == self.category), None)


_OLD = datetime(2024, 1, 1, 9, tzinfo=UTC)
CANDLE = Product(301, "S-CANDLE", 42, datetime(2025, 6, 1, 9, tzinfo=UTC), (310, "S-CANDLE-WHITE"))
THROW = Product(302, "S-THROW", 43, _OLD)
BEANS = Product(303, "S-BEANS", 44, _OLD)
LAMP = Product(304, "S-LAMP", 41, datetime(2026, 5, 20, 9, tzinfo=UTC), (305, "S-LAMP-RED"))
MUG = Product(306, "S-MUG", 44, _OLD)
GIFT_CARD = Product(307, "S-GIFT", None, _OLD, gift_card=True)
SOAP = Product(308, "S-SOAP", None, datetime(2026, 5, 28, 9, tzinfo=UTC))
BOWL = Product(309, "S-BOWL", None, datetime(2026, 5, 25, 9, tzinfo=UTC))
PRODUCTS = (CANDLE, THROW, BEANS, LAMP, MUG, GIFT_CARD, SOAP, BOWL)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order or a cart.

    Attributes:
        price: Asked for one, before codes.
        regular: Of one, when nothing is on sale; `price` where nothing else is said.
        off: What a code took off the whole line.
        back: How many came back.
    """

    product: Product
    qty: int
    price: Decimal
    regular: Decimal | None = None
    off: Decimal = Decimal(0)
    back: int = 0

    @property
    def usual(self) -> Decimal:
        return self.price if self.regular is None else self.regular

    @property
    def total(self) -> Decimal:
        return self.price * self.qty - self.off

    @property
    def unit_paid(self) -> Decimal:
        return self.total / self.qty

    @property
    def on_sale(self) -> bool:
        return self.price <= self.usual * Decimal("0.95")


def line(product: Product, qty: int, price: str, regular: str | None = None) -> Line:
    """A line without codes or returns."""
    return Line(product, qty, Decimal(price), None if regular is None else Decimal(regular))
