"""The settings that user-service has beyond those of every service."""

from pydantic import Field, SecretStr

from labs.services.chassis.settings import Settings as ChassisSettings


class Settings(ChassisSettings):
    """And KEY_SECRET, PASSWORD_ADMINISTRATOR, KEY_LEAD_SECONDS, FAILURES_PER_EMAIL, FAILURES_PER_ADDRESS, PROXIES."""

    key_secret: SecretStr = Field(min_length=16, description="encrypts the private keys in the database")
    password_administrator: SecretStr = Field(min_length=8, max_length=128, description="of the first administrator")
    key_lead_seconds: float = Field(
        default=6.0,
        ge=0,
        description="how long a new key is published before it signs: longer than other services pause between two fetches",
    )
    failures_per_email: int = Field(default=5, gt=0, description="failed logins in 15 minutes; the next one must wait")
    failures_per_address: int = Field(default=50, gt=0, description="the same for one network address")
    proxies: int = Field(
        default=0, ge=0, description="how many proxies in front add to X-Forwarded-For; 0: it is ignored"
    )
