"""The tables of the TPC-H benchmark, with made-up words.

In: a `GeneratorSpec` with its scale factor. Out: one step with all rows, and where the generator ticks one order that
is replaced, with its line items, for each step behind it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from mzlite.generators.spec import GeneratorSpec

Change = tuple[str, tuple[object, ...], int]

_REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
_NATIONS = (
    ("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3),
    ("GERMANY", 3), ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2), ("JORDAN", 4),
    ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0), ("PERU", 1), ("CHINA", 2), ("ROMANIA", 3), ("SAUDI ARABIA", 4),
    ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3), ("UNITED STATES", 1),
)  # fmt: skip
_COLORS = ("almond", "beige", "coral", "cyan", "forest", "ivory", "lemon", "maroon", "olive", "plum", "rose", "violet")
_SIZES = ("STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO")
_FINISHES = ("ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED")
_METALS = ("TIN", "NICKEL", "BRASS", "STEEL", "COPPER")
_BOXES = ("SM", "LG", "MED", "JUMBO", "WRAP")
_KINDS = ("CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM")
_SEGMENTS = ("AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD")
_PRIORITIES = ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")
_INSTRUCTIONS = ("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN")
_MODES = ("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB")
_WORDS = ("quick", "final", "ironic", "regular", "even", "bold", "requests", "deposits", "packages", "accounts")
_START = date(1992, 1, 1)
_CURRENT = date(1995, 6, 17)
_ORDER_DAYS = 2405
"""Orders are placed until so many days after the start, so that all their items are received in 1998."""


def tpch(spec: GeneratorSpec) -> Iterator[list[Change]]:
    """All rows, then a replaced order with each step."""
    maker, chance = _Maker(spec.scale_factor), random.Random(0)
    first = maker.fixed(chance)
    for number in range(1, maker.orders + 1):
        first += maker.order(number, 0)
    yield first
    del first
    versions: dict[int, int] = {}
    while True:
        number = chance.randint(1, maker.orders)
        version = versions.get(number, 0)
        # What an order was is made once more rather than kept.
        gone = [(output, row, -1) for output, row, _ in maker.order(number, version)]
        versions[number] = version + 1
        yield gone + maker.order(number, version + 1)


class _Maker:
    """Makes rows at one scale."""

    def __init__(self, scale: float) -> None:
        def count(times: int) -> int:
            return max(1, int(scale * times))

        self.suppliers, self.parts, self.customers = count(10_000), count(200_000), count(150_000)
        self.orders, self.clerks = count(1_500_000), count(1_000)

    def fixed(self, chance: random.Random) -> list[Change]:
        """Everything but orders and line items."""
        rows: list[tuple[str, tuple[object, ...]]] = []
        rows += [("region", (number, name, _comment(chance))) for number, name in enumerate(_REGIONS)]
        rows += [("nation", (number, name, region, _comment(chance))) for number, (name, region) in enumerate(_NATIONS)]
        for number in range(1, self.suppliers + 1):
            rows.append(("supplier", (number, f"Supplier#{number:09}", *_party(chance), _comment(chance))))
        for number in range(1, self.customers + 1):
            address, nation, phone, balance = _party(chance)
            segment = chance.choice(_SEGMENTS)
            row = (number, f"Customer#{number:09}", address, nation, phone, balance, segment, _comment(chance))
            rows.append(("customer", row))
        for number in range(1, self.parts + 1):
            rows.append(("part", _part(number, chance)))
            for place in range(4):
                supplier = self.supplier_of(number, place)
                cost = Decimal(chance.randint(100, 100_000)) / 100
                rows.append(("partsupp", (number, supplier, chance.randint(1, 9999), cost, _comment(chance))))
        return [(output, row, 1) for output, row in rows]

    def supplier_of(self, part: int, place: int) -> int:
        """One of a part's four suppliers."""
        return (part + place * (self.suppliers // 4 + (part - 1) // self.suppliers)) % self.suppliers + 1

    def order(self, number: int, version: int) -> list[Change]:
        """One order with its line items; another one for each version."""
        chance = random.Random(number * 1000 + version)
        placed = _START + timedelta(days=chance.randrange(_ORDER_DAYS))
        # Only eight of each thirty-two keys are used, as the benchmark has it.
        key = (number - 1) // 8 * 32 + (number - 1) % 8 + 1
        lines: list[Change] = []
        total = Decimal(0)
        for line in range(1, chance.randint(1, 7) + 1):
            row, price = self._line(key, line, placed, chance)
            total += price
            lines.append(("lineitem", row, 1))
        statuses = {row[9] for _, row, _ in lines}
        order = (
            key,
            chance.randint(1, self.customers),
            str(statuses.pop()) if len(statuses) == 1 else "P",
            total.quantize(Decimal("0.01")),
            placed,
            chance.choice(_PRIORITIES),
            f"Clerk#{chance.randint(1, self.clerks):09}",
            0,
            _comment(chance),
        )
        return [("orders", order, 1), *lines]

    def _line(self, key: int, line: int, placed: date, chance: random.Random) -> tuple[tuple[object, ...], Decimal]:
        """A line item, and what it adds to the order's price."""
        part, quantity = chance.randint(1, self.parts), chance.randint(1, 50)
        price = quantity * _price(part)
        discount, tax = Decimal(chance.randint(0, 10)) / 100, Decimal(chance.randint(0, 8)) / 100
        shipped = placed + timedelta(days=chance.randint(1, 121))
        received = shipped + timedelta(days=chance.randint(1, 30))
        row = (
            key,
            part,
            self.supplier_of(part, chance.randrange(4)),
            line,
            Decimal(quantity),
            price,
            discount,
            tax,
            chance.choice("RA") if received <= _CURRENT else "N",
            "O" if shipped > _CURRENT else "F",
            shipped,
            placed + timedelta(days=chance.randint(30, 90)),
            received,
            chance.choice(_INSTRUCTIONS),
            chance.choice(_MODES),
            _comment(chance),
        )
        return row, price * (1 + tax) * (1 - discount)


def _party(chance: random.Random) -> tuple[str, int, str, Decimal]:
    """Address, nation, phone and balance."""
    nation = chance.randrange(len(_NATIONS))
    digits = (chance.randint(100, 999), chance.randint(100, 999), chance.randint(1000, 9999))
    phone = "-".join(str(part) for part in (nation + 10, *digits))
    return _comment(chance), nation, phone, Decimal(chance.randint(-99_999, 999_999)) / 100


def _part(number: int, chance: random.Random) -> tuple[object, ...]:
    maker = chance.randint(1, 5)
    return (
        number,
        " ".join(chance.sample(_COLORS, 5)),
        f"Manufacturer#{maker}",
        f"Brand#{maker}{chance.randint(1, 5)}",
        f"{chance.choice(_SIZES)} {chance.choice(_FINISHES)} {chance.choice(_METALS)}",
        chance.randint(1, 50),
        f"{chance.choice(_BOXES)} {chance.choice(_KINDS)}",
        _price(number),
        _comment(chance),
    )


def _price(part: int) -> Decimal:
    return Decimal(90_000 + (part // 10) % 20_001 + 100 * (part % 1000)) / 100


def _comment(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(3, 6)))
