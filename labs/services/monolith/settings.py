"""The settings of the monolith: all that its parts need, in one place."""

from pydantic import Field

from labs.services.notification.settings import Settings as NotificationSettings
from labs.services.order.settings import Settings as OrderSettings
from labs.services.user.settings import Settings as UserSettings


class Settings(UserSettings, OrderSettings, NotificationSettings):
    """Those of users, orders and notifications; it asks nobody for prices."""

    inventory_url: str = Field(default="", description="not used: prices are in its own tables")
    recording: str = Field(
        default="", description="file in which each request's calls are written down; empty: nowhere"
    )
    borders: dict[str, list[str]] = Field(default={}, description="JSON: a cut that is in force, patterns by service")
