"""What must be there before the first request: a key that signs, and an administrator, whose address nobody else can take."""

from labs.services.chassis import logs
from labs.services.chassis.database import Database
from labs.services.user import passwords, store
from labs.services.user.domain import Channel, Role
from labs.services.user.keys import KeyRing
from labs.services.user.settings import Settings

ADMINISTRATOR = "admin@shop.example"
log = logs.get(__name__)


def prepare(db: Database, settings: Settings) -> KeyRing:
    """The keys to sign with. Any number of processes may start at once. An administrator who is there already keeps the
    password. Raises WrongSecret."""
    keys = KeyRing(db, settings.key_secret.get_secret_value(), settings.key_lead_seconds)
    keys.prepare()
    with db.reading() as session:
        if store.by_email(session, ADMINISTRATOR):
            return keys
    password_hash = passwords.hashed(settings.password_administrator.get_secret_value())
    profile = {"name": "Administrator", "email": ADMINISTRATOR, "channels": [Channel.EMAIL]}
    with db.transaction() as tx:
        if user := store.register(tx, [Role.ADMIN], password_hash=password_hash, **profile):
            tx.tell("user_registered", store.contact(user))
            log.info("first administrator registered", user_id=user.id)
    return keys
