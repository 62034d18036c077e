"""The broker stands beside somebody else's. What its deaths do is in test_storms.py."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.classroom.shop import Shop
from labs.infra.system import BROKER, System


def test_whoever_listens_on_5672_is_left_alone(home: Callable[..., Path]) -> None:
    home()
    with socket.socket() as stranger:
        try:
            stranger.bind(("127.0.0.1", 5672))
        except OSError:
            pytest.skip("somebody here listens on 5672 already; every other test passes beside it")
        stranger.listen()
        system = System("apart", private_broker=True)
        try:
            system.up("user-service", "order-service", "inventory-service", "outside", timeout=90)
            shop = Shop(system)
            shop.stock("tea", 1)
            order = shop.place(("tea", 1))
            assert shop.wait([order])[order].status == "fulfilled"
            assert not system.address(BROKER, 5672).endswith(":5672")
        finally:
            system.down()

        with socket.create_connection(("127.0.0.1", 5672), 2) as known:
            _, visitor = stranger.accept()  # visitors wait in the order in which they came
            assert visitor == known.getsockname(), "we are not its first visitor"
