"""Whoever is on call has a pager: it takes what Prometheus' Alertmanager sends to a webhook, and shows what rings."""

import time
from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select, update

from labs.services.chassis.database import Database, Transaction, insert_new
from labs.services.chassis.shapes import Shape
from labs.services.outside.shapes import many, moment
from labs.services.outside.store import Base, Page

FIRING, RESOLVED = "firing", "resolved"
PAGES = Base.metadata.tables["pages"]
Label = Annotated[str, Shape(r"[^\0]{0,2000}", "must be at most 2,000 characters of text")]
Labels = Annotated[dict[str, Label], Field(max_length=64)]
Status = Literal["firing", "resolved"]


class AlertIn(BaseModel):
    """One alert of a notification. `fingerprint` says which set of labels it is; with the moment at which it began, which
    alarm."""

    status: Status
    labels: Labels
    annotations: Labels = {}
    startsAt: AwareDatetime  # by Alertmanager's own names
    endsAt: AwareDatetime
    fingerprint: Annotated[str, Shape(r"[0-9a-f]{1,64}", "must be hexadecimal digits")]


class NotificationIn(BaseModel):
    """What Alertmanager posts to a webhook, version 4. Newer ones may say more, which is of no interest here."""

    model_config = ConfigDict(extra="ignore")
    version: Literal["4"]
    status: Status
    receiver: Label
    alerts: Annotated[list[AlertIn], Field(max_length=1000)]


class PageOut(BaseModel):
    """An alarm. `ended_at` is null while it rings; `at` is when it was first heard of, `heard` how often since."""

    fingerprint: str
    alert: str
    severity: str
    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    began_at: datetime
    ended_at: datetime | None
    at: datetime
    resolved_heard_at: datetime | None
    heard: int


class PagesQuery(BaseModel):
    """Which alarms; all if nothing is said."""

    model_config = ConfigDict(extra="forbid")
    status: Status | None = None
    alert: Label | None = None


def blueprint(db: Database) -> APIBlueprint:
    """Under /pager; faults find it by its name."""
    pager = APIBlueprint("pager", __name__, url_prefix="/pager")

    @pager.post("")
    @pager.input(NotificationIn)
    @pager.output({}, status_code=204)
    def ring(json_data: NotificationIn) -> Any:
        """Take a notification. The same one may come again: an alarm rings once, and what has ended does not begin again."""
        with db.transaction() as tx:
            for alert in json_data.alerts:
                _take(tx, alert)
        return ""

    @pager.get("")
    @pager.input(PagesQuery, location="query")
    @pager.output(many(PageOut))
    def look(query_data: PagesQuery) -> Any:
        """All alarms, oldest first."""
        wanted = query_data.model_dump(exclude_none=True)
        with db.reading() as session:
            return [_shown(page) for page in session.scalars(select(Page).filter_by(**wanted).order_by(Page.position))]

    return pager


def _take(tx: Transaction, alert: AlertIn) -> None:
    now, began = time.time(), alert.startsAt.timestamp()
    key = {"fingerprint": alert.fingerprint, "began_at": began}
    values = {
        "alert": alert.labels.get("alertname", ""),
        "severity": alert.labels.get("severity", ""),
        "labels": alert.labels,
        "annotations": alert.annotations,
    }
    insert_new(tx, PAGES, **key, **values, status=FIRING, ended_at=None, at=now, resolved_heard_at=None, heard=0)
    which = Page.fingerprint == alert.fingerprint, Page.began_at == began
    tx.execute(update(Page).where(*which).values(heard=Page.heard + 1))
    if alert.status == RESOLVED:
        over = {"status": RESOLVED, "ended_at": alert.endsAt.timestamp(), "resolved_heard_at": now}
        tx.execute(update(Page).where(*which, Page.status == FIRING).values(over))


def _shown(page: Page) -> dict[str, Any]:
    moments = ("began_at", "ended_at", "at", "resolved_heard_at")
    said = {name: getattr(page, name) for name in PageOut.model_fields}
    return said | {name: value if value is None else moment(value) for name, value in said.items() if name in moments}
