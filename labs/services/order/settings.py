"""The settings of order-service beyond those of every service."""

from pydantic import Field

from labs.services.chassis.settings import Settings as ChassisSettings


class Settings(ChassisSettings):
    """And INVENTORY_URL, PAYMENTS_URL, CARRIER_URL, OUTSIDE_KEY, PAYMENT_PATIENCE."""

    inventory_url: str = Field(description="base URL of inventory-service, for prices that are not known here yet")
    payments_url: str = Field(description="base URL of the payment provider")
    carrier_url: str = Field(description="base URL of the carrier")
    outside_key: str = Field(description="the API key that the payment provider and the carrier gave the shop")
    payment_patience: float = Field(
        default=600.0, gt=0, description="seconds until a charge without an answer is given up"
    )
