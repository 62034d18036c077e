"""What user-service does by the clock: forget keys whose tokens have all ended, and failed logins that no longer count."""

import time

from nameko.timer import timer

from labs.services.chassis import logs
from labs.services.chassis.handler import ServiceDatabase
from labs.services.user import failures, store
from labs.services.user.domain import KEY_SECONDS

log = logs.get(__name__)


class UserWorker:
    """Listens to nobody; its relay tells user_registered and profile_changed."""

    name = "user-service"
    db = ServiceDatabase()

    @timer(interval=60)
    def prune(self):
        """Once a minute."""
        with self.db.transaction() as tx:
            removed = store.remove_keys(tx, before=time.time() - KEY_SECONDS)
            failures.forget(tx)
        for kid in removed:
            log.info("key removed, its last token has ended", kid=kid)
