"""The tables of the outside world: the provider's book, the carrier's, what customers received, what the pager of whoever is on
call shows, and the faults that are on."""

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Float, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CHARGED, REFUNDED, VOIDED = "charged", "refunded", "voided"


class Base(DeclarativeBase):
    """All of them; `position` is the order of arrival, `at` seconds since the epoch."""


class Charge(Base):
    """What became of one charge key: money taken, of which `refunded` went back, or voided for good before any was taken.
    That one row decides which, however many ask at once."""

    __tablename__ = "charges"
    __table_args__ = (CheckConstraint("refunded >= 0 AND refunded <= amount"),)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    id: Mapped[str] = mapped_column(String(36))
    order_id: Mapped[str] = mapped_column(String(64), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(20))
    refunded: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[float] = mapped_column(Float, index=True)


class Refund(Base):
    """Money that went back."""

    __tablename__ = "refunds"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36))
    charge_key: Mapped[str] = mapped_column(String(128), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[float] = mapped_column(Float, index=True)


class Shipment(Base):
    """What the carrier fetched for one order, and what it did not find. Lines are {sku, quantity}."""

    __tablename__ = "shipments"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tracking_code: Mapped[str] = mapped_column(String(36))
    order_id: Mapped[str] = mapped_column(String(64), index=True)
    shipped: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    missing: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    at: Mapped[float] = mapped_column(Float)


class Mail(Base):
    """A mail that was accepted, as its reader sees it."""

    __tablename__ = "mails"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    to: Mapped[str] = mapped_column(String(1000), index=True)
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text)
    order_id: Mapped[str] = mapped_column(String(1000), index=True)
    body: Mapped[str] = mapped_column(Text)


class Message(Base):
    """A text message or a push notification on somebody's phone. `to` is a number or the token of a device."""

    __tablename__ = "messages"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36))
    gateway: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(128))
    to: Mapped[str] = mapped_column(String(300), index=True)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Float)


class Page(Base):
    """An alarm: one set of labels (`fingerprint`) that fires since `began_at`. `heard` counts the notifications about it."""

    __tablename__ = "pages"
    __table_args__ = (UniqueConstraint("fingerprint", "began_at"),)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[float] = mapped_column(Float)
    alert: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), index=True)
    labels: Mapped[dict[str, str]] = mapped_column(JSON)
    annotations: Mapped[dict[str, str]] = mapped_column(JSON)
    ended_at: Mapped[float | None] = mapped_column(Float)
    at: Mapped[float] = mapped_column(Float)
    resolved_heard_at: Mapped[float | None] = mapped_column(Float)
    heard: Mapped[int] = mapped_column(Integer)


class Switch(Base):
    """A fault that is on, and how many requests have met it since."""

    __tablename__ = "faults"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    seconds: Mapped[float] = mapped_column(Float)
    every: Mapped[int] = mapped_column(Integer)
    requests: Mapped[int] = mapped_column(Integer, default=0)
