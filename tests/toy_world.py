"""The toy shop's world: what is planted for each order, why, and the verdict that it must get."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psycopg
from azure.storage.blob import BlobServiceClient

_TABLES = """
create table orders (id text primary key, shop text not null, paid boolean not null);
create table invoices (number integer primary key generated always as identity, order_id text not null);
"""
CONTAINER = "documents"


@dataclass(frozen=True)
class PlantedOrder:
    """An order; ``documents`` are the sizes of its blobs by name. ``expected`` is None if it is only counted."""

    id: str
    why: str
    expected: str | None = None
    shop: str = "north"
    paid: bool = True
    invoices: int = 1
    documents: Mapping[str, int] = field(default_factory=lambda: {"order.pdf": 12})


ORDERS = (
    PlantedOrder(
        "a-1", "paid, and its document was never stored: that of a-10 is not its", "paid_without_document", documents={}
    ),
    PlantedOrder("a-10", "all there; its id begins like that of a-1"),
    PlantedOrder("a-2", "paid, with a document, and nobody wrote the invoice", "without_invoice", invoices=0),
    PlantedOrder("a-3", "one of its documents has no bytes", "empty_document", documents={"1.pdf": 7, "2.pdf": 0}),
    PlantedOrder("a-4", "not paid yet, so that a document is not due", paid=False, documents={}),
    PlantedOrder("b-1", "of the other shop, and all there", shop="south", invoices=2),
)
EXPECTED = {order.id: order.expected for order in ORDERS if order.expected is not None}


@dataclass(frozen=True)
class ToyWorld:
    """Where the rows and the documents are, and where the run store is to be."""

    database: str
    storage: str
    report: str
    report_container: str

    def settings(self, **changes: str) -> dict[str, str]:
        """The app settings of an app that audits the shop alone."""
        return {
            "AUDIT_PROFILES": "tests.toy_profile:PROFILE",
            "TOY_DATABASE": self.database,
            "TOY_STORAGE": self.storage,
            "REPORT_STORAGE": self.report,
            "AUDIT_REPORT_CONTAINER": self.report_container,
            "AUDIT_SETTLE_MINUTES": "0",
            **changes,
        }

    def plant(self, orders: Iterable[PlantedOrder] = ORDERS) -> None:
        """Make the tables and the container, and write the orders."""
        self.execute(_TABLES)
        with BlobServiceClient.from_connection_string(self.storage) as service:
            service.create_container(CONTAINER)
        for order in orders:
            self.execute("insert into orders values (%s, %s, %s)", order.id, order.shop, order.paid)
            for _ in range(order.invoices):
                self.execute("insert into invoices (order_id) values (%s)", order.id)
            for name, size in order.documents.items():
                self.store(order.id, name, size)

    def execute(self, statement: str, *values: object) -> None:
        """Change something in the database."""
        with psycopg.connect(self.database) as connection:
            connection.execute(statement.encode(), values or None)

    def store(self, order: str, name: str, size: int = 12) -> None:
        """Write a document."""
        with BlobServiceClient.from_connection_string(self.storage) as service:
            service.get_blob_client(CONTAINER, f"{order}/{name}").upload_blob(b"x" * size, overwrite=True)

    def remove(self, order: str, name: str) -> None:
        """Delete a document."""
        with BlobServiceClient.from_connection_string(self.storage) as service:
            service.get_blob_client(CONTAINER, f"{order}/{name}").delete_blob()
