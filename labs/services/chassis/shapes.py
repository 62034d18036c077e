"""Values of a certain shape in requests and answers of several services, with words for what does not fit instead of a
regular expression."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class Shape:
    """`Annotated[str, Shape(r"[a-z]+", "must be small letters")]`: all of it matches, or `words` are the error."""

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._fitting, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def _fitting(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text) or not _whole(text):
            raise PydanticCustomError("shape", "{words}", {"words": self.words})
        return text


def _whole(text: str) -> bool:
    """JSON can hold half of a surrogate pair, which no database takes, and no pattern of JSON Schema can say so."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


EMAIL = Shape(
    r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
    "must be one email address such as name@example.org",
)
"""What HTML's own email field takes: nothing that a mail's header could misread."""

LARGEST_QUANTITY = 1_000_000
"""Pieces in one line: more is a typing error."""
LARGEST_AMOUNT = 1_000_000_000
"""Minor units: ten million euros."""
Sku = Annotated[str, Shape(r"[a-z0-9][a-z0-9-]{0,39}", "must be 1 to 40 small letters, digits or hyphens")]
Quantity = Annotated[int, Field(strict=True, gt=0, le=LARGEST_QUANTITY)]
Currency = Annotated[str, Shape(r"[A-Z]{3}", "must be three capital letters of ISO 4217 such as EUR")]
Amount = Annotated[int, Field(strict=True, ge=0, le=LARGEST_AMOUNT)]
"""Minor units of a currency: 350 of EUR are 3.50 €."""


class Money(BaseModel):
    """An amount in minor units of its currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    amount: Amount
    currency: Currency
