"""The settings of notification-service."""

from pydantic import Field

from labs.services.chassis.settings import Settings as ChassisSettings


class Settings(ChassisSettings):
    """And SMTP_SERVER, SMS_URL, PUSH_URL, NOTIFICATION_PATIENCE, NOTIFICATION_ATTEMPTS."""

    smtp_server: str = Field(description="host:port of the mail server")
    sms_url: str = Field(description="where the SMS gateway takes POST /messages")
    push_url: str = Field(description="where the push gateway takes POST /messages")
    notification_patience: float = Field(
        default=86_400.0, gt=0, description="seconds after which a notification is worth nothing"
    )
    notification_attempts: int = Field(default=1000, gt=0, description="after so many a notification is given up")
