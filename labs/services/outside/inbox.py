"""The customers' mail server: takes mail over SMTP, keeps it as its reader sees it, shows it over HTTP."""

import asyncio
import email
import email.policy
from typing import Annotated, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select

from labs.services.chassis import logs
from labs.services.chassis.database import Database
from labs.services.chassis.shapes import Shape
from labs.services.outside.faults import LATENCY, Switches
from labs.services.outside.shapes import many
from labs.services.outside.store import Mail

LARGEST = 1_000_000
"""Bytes of one mail."""
LONGEST = 1000
"""Characters of a header that mails are looked up by."""
SAID = {451: "451 Come again later", 550: "550 No such mailbox"}
Header = Annotated[str, Shape(r"[^\0]{0,1000}", "must be at most 1,000 characters of text")]
"""What a header may be asked for."""
FIELDS = ("to", "subject", "message_id", "order_id", "body")
log = logs.get(__name__)


class MailOut(BaseModel):
    """A mail. `order_id` is its header X-Order-ID."""

    to: str
    subject: str
    message_id: str
    order_id: str
    body: str


class MailQuery(BaseModel):
    """Which mails; all if nothing is said."""

    model_config = ConfigDict(extra="forbid")
    to: Header | None = None
    order_id: Header | None = None


class Keep:
    """aiosmtpd's handler: a mail is committed before the sender hears 250."""

    def __init__(self, db: Database, switches: Switches) -> None:
        self._db, self._switches = db, switches

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """The end of a mail, where this server's faults strike."""
        effect = await asyncio.to_thread(self._switches.strike, "smtp")
        await asyncio.sleep(LATENCY["smtp"] + effect.before)
        if effect.status:
            return SAID[effect.status]
        try:
            await asyncio.to_thread(self._keep, envelope.original_content or b"")
        except (LookupError, ValueError) as error:
            return f"554 This mail cannot be read: {type(error).__name__}"
        await asyncio.sleep(effect.after)
        if effect.silent and server.transport is not None:
            server.transport.close()
        return "250 Message accepted for delivery"

    def _keep(self, raw: bytes) -> None:
        mail, correlation_id = read(raw)
        with logs.correlated(correlation_id):
            with self._db.transaction() as tx:
                tx.add(Mail(**mail))
            log.info("mail arrived", order_id=mail["order_id"], message_id=mail["message_id"])


def listen(db: Database, switches: Switches, address: str) -> Controller:
    """SMTP at host:port, in a thread of its own. Raises OSError if somebody else listens there."""
    host, _, port = address.rpartition(":")
    controller = Controller(Keep(db, switches), hostname=host, port=int(port), data_size_limit=LARGEST)
    controller.start()
    return controller


def blueprint(db: Database) -> APIBlueprint:
    """What a customer reads."""
    inbox = APIBlueprint("inbox", __name__)

    @inbox.get("/mails")
    @inbox.input(MailQuery, location="query")
    @inbox.output(many(MailOut))
    def mails(query_data: MailQuery) -> Any:
        """All mails, oldest first; `?to=` narrows it to one recipient, `?order_id=` to one order."""
        wanted = query_data.model_dump(exclude_none=True)
        query = select(*(getattr(Mail, field) for field in FIELDS)).filter_by(**wanted).order_by(Mail.position)
        with db.reading() as session:
            return [dict(mail) for mail in session.execute(query).mappings()]

    @inbox.delete("/mails")
    @inbox.output({}, status_code=204)
    def clear() -> Any:
        """Empty the inbox."""
        with db.transaction() as tx:
            tx.execute(delete(Mail))
        return ""

    return inbox


def read(raw: bytes) -> tuple[dict[str, str], str]:
    """What its reader sees of a mail, and the correlation id in its header. Raises LookupError or ValueError where it is too
    strange."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("plain",))
    seen = {
        "to": str(mail["To"] or "")[:LONGEST],
        "subject": str(mail["Subject"] or ""),
        "message_id": str(mail["Message-ID"] or ""),
        "order_id": str(mail["X-Order-ID"] or "")[:LONGEST],
        "body": body.get_content().strip() if body else "",
    }
    readable = {field: text.encode(errors="replace").decode() for field, text in seen.items()}
    return readable, str(mail["X-Correlation-ID"] or "")[:64]
