"""The tables of user-service, and nobody else's."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, Float, ForeignKey, String, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from labs.services.user.domain import Role


class Base(DeclarativeBase):
    """The tables of this service."""


class User(Base):
    """Who somebody is and how to reach them. `version` grows by 1 whenever that changes."""

    __tablename__ = "users"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True, default=lambda: str(uuid4()))
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    phone: Mapped[str | None] = mapped_column(String(16))
    device_token: Mapped[str | None] = mapped_column(String(200))
    channels: Mapped[list[str]] = mapped_column(JSON)
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[str] = mapped_column(String(40), default=lambda: datetime.now(UTC).isoformat())
    grants: Mapped[list["Grant"]] = relationship(lazy="selectin", order_by="Grant.role", cascade="all, delete-orphan")

    @property
    def roles(self) -> list[Role]:
        """In the order of the enumeration."""
        return [role for role in Role if role in {grant.role for grant in self.grants}]


class Grant(Base):
    """A role that a user has."""

    __tablename__ = "grants"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)


class Key(Base):
    """A pair of keys. Of those whose moment has come, the one with the highest number signs; all verify."""

    __tablename__ = "keys"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(String(43), unique=True)
    public: Mapped[str] = mapped_column(String(43))  # `x` of the JWK
    private: Mapped[str] = mapped_column(String(200))  # encrypted
    signs_from: Mapped[float] = mapped_column(Float)  # seconds since the epoch


class Failures(Base):
    """Failed logins of one e-mail or network address, which stands here as a hash."""

    __tablename__ = "login_failures"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    moments: Mapped[list[float]] = mapped_column(JSON)  # seconds since the epoch, the newest last
    last: Mapped[float] = mapped_column(Float, index=True)


def contact(user: User) -> dict[str, Any]:
    """What other services are told of a user, with each event."""
    names = ("version", "name", "email", "phone", "device_token", "channels")
    return {"user_id": user.id} | {name: getattr(user, name) for name in names}


def register(session: Session, roles: Iterable[Role], **profile: Any) -> User | None:
    """A new user with these columns; None if the e-mail address is taken."""
    user = User(**profile, grants=[Grant(role=role) for role in roles])
    return user if _added(session, user) else None


def get(session: Session, user_id: str, lock: bool = False) -> User | None:
    """None if there is no such user. `lock`: nobody else changes it until the end of this transaction."""
    query = select(User).where(User.id == user_id)
    return session.scalar(query.with_for_update() if lock else query)


def by_email(session: Session, email: str) -> User | None:
    """By the normalised address."""
    return session.scalar(select(User).where(User.email == email))


def page(session: Session, after: int, limit: int) -> list[User]:
    """In the order in which they registered."""
    return list(session.scalars(select(User).where(User.position > after).order_by(User.position).limit(limit)))


def change(session: Session, user: User, changes: dict[str, Any]) -> bool:
    """Change a locked user's columns; False if the new e-mail address is taken."""
    try:
        with session.begin_nested():
            for name, value in changes.items():
                setattr(user, name, value)
            user.version += 1
    except IntegrityError:
        return False
    return True


def rehash(session: Session, user: User, password_hash: str) -> None:
    """The same password, hashed anew; nothing happens if it was changed meanwhile."""
    same = update(User).where(User.id == user.id, User.password_hash == user.password_hash)
    session.execute(same.values(password_hash=password_hash))


def give_roles(session: Session, user: User, roles: set[Role]) -> bool:
    """These roles and no others; False, and no change, if that would take the last administrator."""
    administrators = session.scalars(
        select(Grant.user_id).where(Grant.role == Role.ADMIN).order_by(Grant.user_id).with_for_update()
    )
    if Role.ADMIN not in roles and set(administrators) == {user.id}:
        return False
    kept = [grant for grant in user.grants if grant.role in roles]
    user.grants = kept + [Grant(role=role) for role in roles - {Role(grant.role) for grant in kept}]
    session.flush()
    return True


def keys(session: Session) -> list[Key]:
    """All, the newest first."""
    return list(session.scalars(select(Key).order_by(Key.number.desc())))


def key(session: Session, kid: str) -> Key | None:
    """The key of this id."""
    return session.scalar(select(Key).where(Key.kid == kid))


def add_key(session: Session, new: Key) -> bool:
    """False if another process was first to add one of this number."""
    return _added(session, new)


def remove_keys(session: Session, before: float) -> list[str]:
    """Those that another one took over from before this moment (seconds since the epoch). Returns their ids."""
    newest = select(func.max(Key.number)).where(Key.signs_from <= before).scalar_subquery()
    return list(session.scalars(delete(Key).where(Key.number < newest).returning(Key.kid)))


def _added(session: Session, row: Base) -> bool:
    """Add a row unless one of its unique values is taken."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True
