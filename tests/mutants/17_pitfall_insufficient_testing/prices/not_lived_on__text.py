"""order-service's side: what it needs of GET /prices, and that it can live on it."""

from labs.services.tests.stand import PACTS, prices
from pact import Pact, match

PRICE = {"sku": match.str("tea"), "amount": match.str("350"), "currency": match.str("EUR"), "version": match.int(1)}
ANSWER = {"items": match.each_like(PRICE)}


def test_order_service_gets_its_prices():
    pact = Pact("order-service", "inventory-service")
    question = pact.upon_receiving("a question for two prices").given("tea and cup are in the catalogue")
    question.with_request("GET", "/prices").with_query_parameters([("sku", "tea"), ("sku", "cup")])
    question.will_respond_with(200).with_body(ANSWER, "application/json")
    with pact.serve(addr="127.0.0.1") as inventory, prices(str(inventory.url)) as known:
        assert known.of(["tea", "cup"])["tea"].amount == 350
    pact.write_file(PACTS / "order", overwrite=True)
