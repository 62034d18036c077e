"""The settings of the outside world."""

from pydantic import Field

from labs.services.chassis.settings import Settings as ChassisSettings


class Settings(ChassisSettings):
    """And SMTP_BIND and OUTSIDE_KEY."""

    smtp_bind: str = Field(description="host:port that SMTP listens on")
    outside_key: str = Field(
        min_length=8, description="the API key that the payment provider and the carrier gave the shop"
    )
