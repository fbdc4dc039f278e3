"""Queries to warehouses are sent with the sizes that decide their way, as `dvt explain` shows them."""

from dvt.core.errors import ConnectionLost
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities
from dvt.core.ports.transfers import Route
from dvt.core.queries import SourceQuery
from dvt.federation.connections.connection import Connection
from dvt.resolution.output_types import output_type

QUERY = SourceQuery(
    alias="o",
    connection="wh",
    tables=(TableRef(connection="wh", identifier="orders"),),
    select=("1",),
    columns=(),
    rows=1_000_000,
    bytes=10**9,
)


class Database:
    """Estimates one answer, whatever the query."""

    capabilities = Capabilities()

    def estimate(self, queries):
        return [Estimate(10, 80) for _ in queries]


class Warehouse(Database):
    """A database whose answers have two ways."""

    warehouse = "Testhouse"

    def read_route(self, query):
        return Route(by="rows", why=f"{query.rows} rows")

    def load_route(self, rows, bytes_, bucket=""):
        return Route(by="rows", why=f"{rows} rows")


class Silent(Warehouse):
    def estimate(self, queries):
        raise ConnectionLost("wh", "estimating", "it did not answer")


def sized(connector):
    return [
        (query.rows, query.bytes)
        for query in Connection("wh", connector, output_type("redshift")).sized([QUERY])
    ]


def test_only_an_answer_that_has_two_ways_is_sized():
    assert sized(Warehouse()) == [(10, 80)]
    assert sized(Database()) == [(1_000_000, 10**9)]


def test_a_database_that_cannot_be_asked_leaves_the_size_of_the_table():
    assert sized(Silent()) == [(1_000_000, 10**9)]
