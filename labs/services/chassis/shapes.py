"""Texts of a certain shape in requests, with words for what does not fit instead of a regular expression."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
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
        if not re.fullmatch(self.pattern, text):
            raise PydanticCustomError("shape", "{words}", {"words": self.words})
        return text


EMAIL = Shape(
    r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
    "must be one email address such as name@example.org",
)
"""What HTML's own email field takes: nothing that a mail's header could misread."""
