"""What requests to user-service and its answers look like."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from labs.services.chassis.paging import PageOut
from labs.services.chassis.shapes import EMAIL, Shape
from labs.services.user.domain import Channel, Role

SHORTEST, LONGEST = 8, 128
"""Characters of a password."""
_VISIBLE = r"[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]"
"""Neither a line break, which a mail's header could misread, nor a sign that turns the direction of writing."""


def _characters(text: str) -> str:
    """JSON can hold half of a surrogate pair, which is no character and which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("characters", "must consist of whole Unicode characters") from None
    return text


def _long_enough(password: SecretStr) -> SecretStr:
    if not SHORTEST <= len(_characters(password.get_secret_value())) <= LONGEST:
        raise PydanticCustomError("password", f"must have {SHORTEST} to {LONGEST} characters")
    return password


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("distinct", "must name each only once")
    return values


Name = Annotated[
    str,
    Shape(
        f"{_VISIBLE}(({_VISIBLE}| ){{0,98}}{_VISIBLE})?",
        "must be 1 to 100 visible characters, with spaces only between them",
    ),
]
Email = Annotated[str, EMAIL]
Phone = Annotated[str, Shape(r"\+[1-9][0-9]{6,14}", "must be an international number such as +4915112345678")]
DeviceToken = Annotated[str, Shape(r"[!-~]{1,200}", "must be 1 to 200 visible ASCII characters")]
Password = Annotated[
    SecretStr, AfterValidator(_long_enough), Field(json_schema_extra={"minLength": SHORTEST, "maxLength": LONGEST})
]
Channels = Annotated[list[Channel], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
Roles = Annotated[list[Role], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]


class Registration(BaseModel):
    """Who wants to be a customer. sms needs a phone, push a device_token."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    email: Email
    password: Password
    phone: Phone | None = None
    device_token: DeviceToken | None = None
    channels: Channels = [Channel.EMAIL]


class ProfileChange(BaseModel):
    """What changes; what is not named stays, and null takes a phone or device_token away. With `version` it changes only if
    nobody else has changed the profile since it had that version."""

    model_config = ConfigDict(extra="forbid")
    name: Name = Field(default_factory=str)  # a default that is not told: null is no name
    email: Email = Field(default_factory=str)
    phone: Phone | None = None
    device_token: DeviceToken | None = None
    channels: Channels = Field(default_factory=list)
    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] = Field(default_factory=int)


class Profile(BaseModel):
    """A user, as the user and an administrator see it."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    name: str
    email: str
    phone: str | None
    device_token: str | None
    channels: list[Channel]
    roles: list[Role]
    created_at: str


class Profiles(PageOut):
    """Some users."""

    items: list[Profile]


class Credentials(BaseModel):
    """What a login takes."""

    model_config = ConfigDict(extra="forbid")
    email: Email
    password: Password


class Token(BaseModel):
    """What a login gives (RFC 6750); `expires_in` seconds."""

    access_token: str
    token_type: str
    expires_in: int


class RoleChange(BaseModel):
    """All roles that a user has from now on; with none a user may do nothing."""

    model_config = ConfigDict(extra="forbid")
    roles: Roles


class Permissions(BaseModel):
    """What a user may do. Tokens that are out already say what was so when they were given."""

    user_id: str
    roles: list[Role]
    permissions: list[str]


class Jwk(BaseModel):
    """A public key (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class Jwks(BaseModel):
    """The public keys of which one verifies each token that is still valid (RFC 7517)."""

    keys: list[Jwk]


class NewKey(BaseModel):
    """A key that is published now, and signs from its moment on."""

    kid: str
    signs_from: str
