"""A customer's mail server: takes mail over SMTP, keeps it in a Maildir, shows it over HTTP."""

import email
import email.policy
import mailbox
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from apiflask import APIFlask
from flask import request

from labs.services.chassis.api import create_api
from labs.services.chassis.settings import Settings as ChassisSettings
from labs.services.chassis.settings import load


class Settings(ChassisSettings):
    """And SMTP_BIND, host:port that SMTP listens on, and MAILDIR, the folder where mails are kept."""

    smtp_bind: str
    maildir: Path


class Keep:
    """aiosmtpd's handler: a mail is on disk before the sender hears 250."""

    def __init__(self, maildir: mailbox.Maildir) -> None:
        self._maildir = maildir

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """The end of a mail."""
        self._maildir.add(envelope.original_content or b"")
        return "250 Message accepted for delivery"


def create_app() -> APIFlask:
    """The app that gunicorn serves; SMTP listens beside it, in a thread of the same process."""
    settings = load(Settings)
    app = create_api("inbox", settings)
    host, _, port = settings.smtp_bind.rpartition(":")
    Controller(Keep(_open(settings)), hostname=host, port=int(port)).start()

    @app.get("/mails")
    def mails() -> Any:
        """All mails; `?to=` narrows it to one recipient, `?order_id=` to one order."""
        maildir = _open(settings)
        found = [_mail(maildir.get_bytes(key)) for key in maildir.keys()]  # noqa: SIM118  a Maildir iterates over mails
        wanted = {name: request.args[name] for name in ("to", "order_id") if name in request.args}
        return [mail for mail in found if wanted.items() <= mail.items()]

    @app.delete("/mails")
    def clear() -> Any:
        """Empty the inbox."""
        _open(settings).clear()
        return "", 204

    return app


def _open(settings: Settings) -> mailbox.Maildir:
    """One for each thread: the folder is made to be shared, the object is not."""
    return mailbox.Maildir(settings.maildir, create=True)


def _mail(raw: bytes) -> dict[str, str]:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("plain",))
    return {
        "to": mail["To"] or "",
        "subject": mail["Subject"] or "",
        "message_id": mail["Message-ID"] or "",
        "order_id": mail["X-Order-ID"] or "",
        "body": body.get_content().strip() if body else "",
    }
