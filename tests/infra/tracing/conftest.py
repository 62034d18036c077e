"""A collector within this process."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from labs.infra.tracing.app import create_app
from labs.infra.tracing.store import Store
from tests.infra.tracing.making import PROTOBUF


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return create_app(store).test_client()


@pytest.fixture
def post(client: FlaskClient) -> Callable[..., TestResponse]:
    """Sends a body to the OTLP door."""

    def send(body: bytes, content_type: str = PROTOBUF, **more: Any) -> TestResponse:
        return client.post("/v1/traces", data=body, content_type=content_type, **more)

    return send
