"""The tokens that lab 04 forges are refused for the reason that they are to show; those of the mint are the shop's own."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from labs.classroom.forging import Forgery, Mint, forgeries, read
from labs.services.chassis.verifying import InvalidToken, claims
from tests.services.unit.user_stand import SECRET, Users, users_at

REASONS = {
    "alg: none": "not signed with EdDSA",
    "alg: None": "not signed with EdDSA",
    "HS256 with the public key": "not signed with EdDSA",
    "HS256 with the public key as PEM": "not signed with EdDSA",
    "expired": "expired",
    "for another audience": "somebody else",
    "from another issuer": "comes from somebody else",
    "without an end": "lacks a claim",
    "about nobody": "lacks a claim",
}
"""What the shop's own verifier says; of all others that they are forged."""


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    with users_at(f"sqlite:///{tmp_path_factory.mktemp('users')}/user.db") as users:
        yield users


@pytest.fixture(scope="module")
def system(users: Users) -> Any:
    """As much of a running system as forging needs."""
    return SimpleNamespace(database_url=lambda _: users.url, variables={"SECRET_KEYS": SECRET})


@pytest.fixture(scope="module")
def token(users: Users) -> str:
    return users.customer()[1]


@pytest.fixture(scope="module")
def forged(users: Users, system: Any, token: str) -> list[Forgery]:
    shop: Any = SimpleNamespace(
        get=lambda _service, path: SimpleNamespace(json=lambda: users.ask("GET", path).get_json())
    )
    return forgeries(shop, system, token)


def published(users: Users) -> Any:
    """The key that everybody verifies with."""
    (key,) = users.ask("GET", "/.well-known/jwks.json").get_json()["keys"]
    return users.keys.find(key["kid"])


def verified(users: Users, token: str) -> dict[str, Any]:
    """As every service does it. Raises InvalidToken."""
    return claims(token, published(users))


def test_the_token_that_they_are_made_from_is_valid(users, token):
    assert verified(users, token)["permissions"] == ["orders:own", "profile:own", "notifications:own"]


def test_each_is_refused_for_the_reason_that_it_is_to_show(users, forged):
    for each in forged:
        with pytest.raises(InvalidToken, match=REASONS.get(each.what, "forged")):
            claims(each.token, published(users))


def test_they_are_of_every_kind_that_a_verifier_may_get_wrong(forged):
    assert {each.mistake for each in forged} == {
        "forged",
        "unsigned",
        "confused",
        "eternal",
        "for_others",
        "from_others",
        "about_nobody",
    }


def test_the_mint_signs_as_the_shop_does(users, system, token):
    ends = int(time.time()) + 3

    minted = Mint(system).token(read(token)[1], exp=ends)

    assert verified(users, minted)["exp"] == ends
