"""The relations that each load generator feeds, with their columns and keys.

In: the name of a generator ("auction"). Out: its outputs. A generator with one output ("counter") has a single
one under its own name.
"""

from __future__ import annotations

from dataclasses import dataclass

from mzlite.dialect.definitions import ColumnDefinition


@dataclass(frozen=True)
class Output:
    """One relation: its name, its columns and the columns that are its key (none where there is no key)."""

    name: str
    columns: tuple[ColumnDefinition, ...]
    key: tuple[str, ...] = ()

    @property
    def not_null(self) -> list[str]:
        """The columns that are never null."""
        return [column.name for column in self.columns if column.not_null]


_TYPES = {
    "id": "bigint",
    "int": "integer",
    "text": "text",
    "at": "timestamp with time zone",
    "date": "date",
    "money": "numeric(39,2)",
    "float": "double precision",
}


def _output(name: str, columns: str, key: str = "") -> Output:
    """From "id:id name:text .."; a "?" after a type lets the column be null."""
    definitions = []
    for item in columns.split():
        column, _, kind = item.partition(":")
        definitions.append(ColumnDefinition(column, _TYPES[kind.rstrip("?")], not_null=not kind.endswith("?")))
    return Output(name, tuple(definitions), tuple(key.split()))


OUTPUTS: dict[str, tuple[Output, ...]] = {
    "auction": (
        _output("organizations", "id:id name:text", "id"),
        _output("users", "id:id org_id:id name:text", "id"),
        _output("accounts", "id:id org_id:id balance:id", "id"),
        _output("auctions", "id:id seller:id item:text end_time:at", "id"),
        _output("bids", "id:id buyer:id auction_id:id amount:int bid_time:at", "id"),
    ),
    "marketing": (
        _output("customers", "id:id email:text income:id", "id"),
        _output("impressions", "id:id customer_id:id campaign_id:id impression_time:at", "id"),
        _output("clicks", "impression_id:id click_time:at"),
        _output("leads", "id:id customer_id:id created_at:at converted_at:at? conversion_amount:id?", "id"),
        _output("coupons", "id:id lead_id:id created_at:at amount:id", "id"),
        _output("conversion_predictions", "lead_id:id experiment_bucket:text predicted_at:at score:float"),
    ),
    "tpch": (
        _output(
            "supplier",
            "s_suppkey:id s_name:text s_address:text s_nationkey:id s_phone:text s_acctbal:money s_comment:text",
            "s_suppkey",
        ),
        _output(
            "part",
            "p_partkey:id p_name:text p_mfgr:text p_brand:text p_type:text p_size:int p_container:text"
            " p_retailprice:money p_comment:text",
            "p_partkey",
        ),
        _output(
            "partsupp",
            "ps_partkey:id ps_suppkey:id ps_availqty:int ps_supplycost:money ps_comment:text",
            "ps_partkey ps_suppkey",
        ),
        _output(
            "customer",
            "c_custkey:id c_name:text c_address:text c_nationkey:id c_phone:text c_acctbal:money c_mktsegment:text"
            " c_comment:text",
            "c_custkey",
        ),
        _output(
            "orders",
            "o_orderkey:id o_custkey:id o_orderstatus:text o_totalprice:money o_orderdate:date o_orderpriority:text"
            " o_clerk:text o_shippriority:int o_comment:text",
            "o_orderkey",
        ),
        _output(
            "lineitem",
            "l_orderkey:id l_partkey:id l_suppkey:id l_linenumber:int l_quantity:money l_extendedprice:money"
            " l_discount:money l_tax:money l_returnflag:text l_linestatus:text l_shipdate:date l_commitdate:date"
            " l_receiptdate:date l_shipinstruct:text l_shipmode:text l_comment:text",
            "l_orderkey l_linenumber",
        ),
        _output("nation", "n_nationkey:id n_name:text n_regionkey:id n_comment:text", "n_nationkey"),
        _output("region", "r_regionkey:id r_name:text r_comment:text", "r_regionkey"),
    ),
    "counter": (_output("counter", "counter:id"),),
    "clock": (_output("clock", "time:at"),),
}


def is_multiple(generator: str) -> bool:
    """Whether its outputs are relations beside the source."""
    return generator not in ("counter", "clock")


def output(generator: str, name: str) -> Output:
    """The output of that name."""
    return next(item for item in OUTPUTS[generator] if item.name == name)
