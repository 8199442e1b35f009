"""A small shop: its orders, their invoices, and the folder of documents that each order has in storage."""

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from reconciliation.looks import UNITS, Audit, Group
from reconciliation.lookups import BlobsOf
from reconciliation.options import Option
from reconciliation.profile import Grouped, Join, Scan, database, storage
from reconciliation.rules import Kind, Rule, Severity, counted, unverified
from reconciliation.tables import table
from reconciliation.wording import Wording


class Order(NamedTuple):
    """What there is of an order; its documents are their sizes, None if they could not be read."""

    shop: str
    paid: bool
    invoices: int
    documents: list[int] | None


UNREAD: Rule[Order] = unverified(lambda order: order.documents is None)
NO_DOCUMENT: Rule[Order] = Rule(
    verdict="paid_without_document",
    severity=Severity.HIGH,
    means="It is paid, and its folder is empty.",
    holds=lambda order: order.paid and not order.documents,
    next_step="Ask the shop for the document.",
    alarm=True,
    needs=(UNITS,),
)
NO_INVOICE: Rule[Order] = Rule(
    verdict="without_invoice",
    severity=Severity.MEDIUM,
    means="No invoice names it.",
    holds=lambda order: not order.invoices,
    next_step="Write the invoice.",
    needs=("invoices",),
)
EMPTY: Rule[Order] = Rule(
    verdict="empty_document",
    severity=Severity.LOW,
    means="A document in its folder has no bytes.",
    holds=lambda order: 0 in (order.documents or ()),
    next_step="Scan the document again.",
)
IN_ORDER: Rule[Order] = counted("in_order", "It has all that it should have.", lambda _order: True)
RULES = (UNREAD, NO_DOCUMENT, NO_INVOICE, EMPTY, IN_ORDER)


class ToyShop(Grouped):
    """Orders against their invoices, and against their folders of documents in storage."""

    name = "toy-shop"
    wording = Wording(unit="folder", alarm="paid without a document")
    connections = (storage("TOY_STORAGE"), database("TOY_DATABASE"))
    options = (Option("shop", None, "Only orders of this shop.", "a text of 1 to 40 characters", least=1, most=40),)
    sources = (
        table("orders", "TOY_DATABASE", "select * from orders where coalesce(shop = %(shop)s, true)", key="id"),
        table("invoices", "TOY_DATABASE", "select order_id from invoices", key="order_id"),
    )
    joins = (Join("orders", (("orders", itemgetter("id")), ("invoices", itemgetter("order_id")))),)
    scan = Scan(
        "orders",
        lookups=lambda order, _hint: (BlobsOf("TOY_STORAGE", "documents", f"{order}/"),),
        reduce=lambda _order, results, _latest: [blob.size for page in results[0] for blob in page.kept],
    )
    kinds = (Kind("order", "order", RULES, fields=Order._fields, unverified=UNREAD),)

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Order]]:
        orders, invoices = group.rows
        documents = group.evidence if isinstance(group.evidence, list) else None
        for order in orders:
            yield "order", group.key, Order(order["shop"], order["paid"], len(invoices), documents)


PROFILE = ToyShop()
