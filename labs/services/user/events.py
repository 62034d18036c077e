"""What user-service tells: one model for each event, from which its JSON Schema is made. They describe; store.contact fills."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from labs.services.user.domain import Channel


class Contact(BaseModel):
    """Who somebody is and how to reach them, all of it each time. A copy takes over only a larger `version`, since events may
    overtake each other."""

    user_id: UUID
    version: Annotated[int, Field(ge=1)]
    name: str
    email: str
    phone: Annotated[str | None, Field(description="international, such as +4915112345678")]
    device_token: str | None
    channels: Annotated[list[Channel], Field(description="how the user wants to be told")]


class UserRegistered(Contact):
    """Somebody is new."""


class ProfileChanged(Contact):
    """Somebody has another name, another address, or wants to be told by other channels."""


TOLD: Mapping[str, type[BaseModel]] = {"user_registered": UserRegistered, "profile_changed": ProfileChanged}
"""The model of an event's data by the event's type."""
