"""A card payment provider over HTTP: charges, refunds, and the book that its customers settle against."""

from datetime import date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from labs.services.chassis import idempotency
from labs.services.chassis.database import Database, Transaction
from labs.services.chassis.idempotency import Answer
from labs.services.chassis.paging import PageIn, PageOut
from labs.services.chassis.shapes import Currency, Shape
from labs.services.outside import book, once
from labs.services.outside.faults import DECLINES
from labs.services.outside.key import Key
from labs.services.outside.shapes import BookQuery, Reference, many, moment, shown
from labs.services.outside.store import CHARGED, VOIDED
from labs.services.outside.striking import effect

DECLINED_CARDS = {"card-declined": "The bank declines it.", "card-expired": "The card has expired."}
"""Tokens of cards that are never charged, and why; every other is good for any amount."""
Amount = Annotated[int, Field(strict=True, ge=0, le=10**18)]
"""Minor units; a whole order may cost more than one of its lines can."""


class ChargeIn(BaseModel):
    """Take this much. `card` is a token that the provider gave, never a card's number."""

    model_config = ConfigDict(extra="forbid")
    order_id: Reference
    amount: Amount
    currency: Currency
    card: Annotated[str, Shape(r"card-[a-z0-9-]{1,60}", "must be a card's token such as card-ok, never a number")]


class ChargeOut(BaseModel):
    """Money that was taken; `key` is the Idempotency-Key of the charge."""

    key: str
    id: str
    order_id: str
    amount: int
    currency: str
    status: str
    at: datetime


class RefundIn(BaseModel):
    """Give this much of a charge back. If there is no such charge it is voided: it will never be taken."""

    model_config = ConfigDict(extra="forbid")
    charge_key: Annotated[str, Shape(r"[!-~]{1,128}", "must be the Idempotency-Key of a charge")]
    amount: Amount


class RefundAnswer(BaseModel):
    """`refunded`, with the id of the refund, and the moment when the charge was taken; or `voided`: nothing was taken, and
    nothing will be. An answer that was first given before answers told moments, and is given again, has none."""

    id: str
    charge_key: str
    status: str
    at: datetime | None = None
    charged_at: datetime | None = None


class RefundOut(BaseModel):
    """Money that went back."""

    id: str
    charge_key: str
    order_id: str
    amount: int
    currency: str
    at: datetime


class VoidOut(BaseModel):
    """A charge that will never be taken."""

    key: str
    at: datetime


class EntriesQuery(PageIn):
    """Which part of the book, or of one day of UTC in it."""

    day: date | None = None


class EntryOut(BaseModel):
    """Money that moved: a `charge` or a `refund`."""

    kind: str
    id: str
    order_id: str
    amount: int
    currency: str
    at: datetime


class EntriesOut(PageOut):
    """A page of the book: charges first, then refunds, each oldest first."""

    items: list[EntryOut]


class BookOut(BaseModel):
    """All that the provider knows of, oldest first."""

    charges: list[ChargeOut]
    refunds: list[RefundOut]
    voids: list[VoidOut]


def blueprint(db: Database, key: Key) -> APIBlueprint:
    """Faults find it by its name."""
    payments = APIBlueprint("payments", __name__, url_prefix="/payments")

    @payments.post("/charges")
    @key.needed
    @idempotency.keyed
    @payments.input(ChargeIn)
    @payments.output(ChargeOut, status_code=201)
    @payments.doc(responses={402: "The card is declined", 409: "The charge was voided"})
    def charge(idempotency_key: str, json_data: ChargeIn) -> Any:
        """Take money, once for each Idempotency-Key."""

        def take(tx: Transaction) -> Answer:
            if DECLINES in effect().twists or json_data.card in DECLINED_CARDS:
                why = DECLINED_CARDS.get(json_data.card, "The bank gives no reason.")
                return Answer(402, {"detail": f"The card is declined. {why}"})
            try:
                taken = book.charge(tx, idempotency_key, json_data.order_id, json_data.amount, json_data.currency)
            except book.Voided:
                return Answer(409, {"detail": f"The charge {idempotency_key} was voided: it will never be taken."})
            return Answer(201, shown(taken, ChargeOut))

        return once.answer(db, "payments/charges", idempotency_key, json_data, take)

    @payments.post("/refunds")
    @key.needed
    @idempotency.keyed
    @payments.input(RefundIn)
    @payments.output(RefundAnswer, status_code=201)
    @payments.doc(responses={409: "More than was taken"})
    def refund(idempotency_key: str, json_data: RefundIn) -> Any:
        """Give money back, once for each Idempotency-Key, or void a charge that has not come."""

        def give_back(tx: Transaction) -> Answer:
            try:
                back = book.refund(tx, json_data.charge_key, json_data.amount)
            except book.TooMuch as error:
                return Answer(409, {"detail": str(error)})
            moments = {"at": moment(back.at), "charged_at": back.charged_at and moment(back.charged_at)}
            said = {"id": back.id, "charge_key": json_data.charge_key, "status": back.status}
            return Answer(201, said | moments)

        return once.answer(db, "payments/refunds", idempotency_key, json_data, give_back)

    @payments.get("/charges")
    @key.needed
    @payments.input(BookQuery, location="query")
    @payments.output(many(ChargeOut))
    def charges(query_data: BookQuery) -> Any:
        """What was taken, oldest first."""
        with db.reading() as session:
            return [shown(row, ChargeOut) for row in book.charges(session, query_data.order_id, query_data.day)]

    @payments.get("/refunds")
    @key.needed
    @payments.input(BookQuery, location="query")
    @payments.output(many(RefundOut))
    def refunds(query_data: BookQuery) -> Any:
        """What went back, oldest first."""
        with db.reading() as session:
            return [shown(row, RefundOut) for row in book.refunds(session, query_data.order_id, query_data.day)]

    @payments.get("/book")
    @key.needed
    @payments.input(BookQuery, location="query")
    @payments.output(BookOut)
    def look(query_data: BookQuery) -> Any:
        """Charges, refunds and voids. A void has no order: the charge that would have named it never came."""
        asked = query_data.order_id, query_data.day
        with db.reading() as session:
            charged, voided = (book.charges(session, *asked, status=status) for status in (CHARGED, VOIDED))
            back = book.refunds(session, *asked)
        return {
            "charges": [shown(row, ChargeOut) for row in charged],
            "refunds": [shown(row, RefundOut) for row in back],
            "voids": [shown(row, VoidOut) for row in voided],
        }

    @payments.get("/entries")
    @key.needed
    @payments.input(EntriesQuery, location="query")
    @payments.output(EntriesOut)
    def entries(query_data: EntriesQuery) -> Any:
        """The same in pages, however much there is, without voids: what a customer settles against."""
        after = query_data.place(str, int)
        with db.reading() as session:
            found = book.entries(session, query_data.day, after and (after[0], after[1]), query_data.limit + 1)
        return query_data.page(found, lambda row: (row.kind, row.position), lambda row: shown(row, EntryOut))

    return payments
