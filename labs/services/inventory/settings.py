"""The settings of inventory-service beyond those of every service."""

from pydantic import Field

from labs.services.chassis.settings import Settings as ChassisSettings


class Settings(ChassisSettings):
    """And RESERVATION_SECONDS."""

    reservation_seconds: float = Field(
        default=900.0, gt=0, description="how long pieces wait for the payment before its order is asked for"
    )
