"""The part of a lab in which services meet at one database: who opens it with which login, what a service answers to whoever
calls it, and work of a service that is done once."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import URL, make_url

from labs.classroom import cards, sessions
from labs.classroom.sessions import Session
from labs.classroom.slips import Slip
from labs.infra.postgres.server import ADMINISTRATOR
from labs.infra.start_error import StartError
from labs.infra.system import POSTGRES, System

DRIVER = "postgresql+psycopg2"
ANSWER_WITHIN = 5.0
"""Seconds that a service has for a remote procedure call."""


class Neighbours:
    """What Lab has of it. A login is that of a service, e.g. order, or `postgres`, the administrator's."""

    system: System

    def login(self, who: str, at: str = "") -> str:
        """The SQLAlchemy URL with which `who` comes to the database of the service `at`, or to their own. The password is in
        it: give it to a service, do not print it. Raises Slip."""
        return login(self.system, who, at)

    def session(self, who: str, at: str = "") -> Session:
        """The database of the service `at`, or their own, as `who` sees it."""
        return Session(login(self.system, who, at))

    def behind(
        self, reader: Session, question: str, owner: Session, change: str, meanwhile: Callable[[], Any]
    ) -> list[str]:
        """Somebody reads, and is not done before `meanwhile` is over; `owner` makes a change in that time. The first word, such
        as SELECT, of what each session of the owner's service waits to do then; nobody waits if the change need not."""
        return sessions.behind(reader, question, owner, change, meanwhile)

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """What a service, e.g. loyalty-service, answers to a remote procedure call over the broker. Raises Slip with the error
        that it raised."""
        from nameko.exceptions import RemoteError

        try:
            return call(self.system, service, method, *arguments)
        except RemoteError as error:
            raise Slip(f"{service} could not answer: {str(error).splitlines()[0]}") from None

    def once(self, service: str, module: str, **settings: Any) -> None:
        """Run a module of a service, e.g. history of loyalty-service, once, with these settings on top of those it has; returns
        when it has ended. Raises Slip with its last words if it fails."""
        try:
            task(self.system, service.removesuffix("-service"), module, **settings)
        except StartError as error:
            raise Slip(str(error)) from None
        cards.card("note", f"{service}: {module} has run")


def login(system: System, who: str, at: str = "") -> str:
    """As `Neighbours.login`."""
    if POSTGRES not in system.profiles:
        raise Slip(
            'The data of this lab are in files, which have no logins. With them: Lab(…, databases="postgresql").'
        )
    if who == ADMINISTRATOR:
        url = URL.create(DRIVER, ADMINISTRATOR, system.variables["PASSWORD_POSTGRES"], database=ADMINISTRATOR)
    else:
        url = make_url(system.variables[f"DATABASE_{who.upper()}"])
    host, _, port = system.address(POSTGRES).rpartition(":")
    return url.set(host=host, port=int(port), database=at or url.database).render_as_string(hide_password=False)


def call(system: System, service: str, method: str, *arguments: Any) -> Any:
    """As `Neighbours.call`. Raises nameko's RemoteError with what the service raised."""
    from nameko.standalone.rpc import ClusterRpcProxy  # half a second that only a lab with calls should pay

    with ClusterRpcProxy({"AMQP_URI": system.amqp_url()}, timeout=ANSWER_WITHIN) as services:
        return getattr(services[service], method)(*arguments)


def task(system: System, service: str, module: str, **settings: Any) -> None:
    """As `Neighbours.once`, of a service such as loyalty. Raises StartError."""
    group = f"{service}-service"
    before = system.configured(group)
    system.configure(group, **{**before, **{name: str(value) for name, value in settings.items()}})
    try:
        system.run_task(service, f"labs.services.{service}.{module}")
    finally:
        system.configure(group, **before)
