"""What the shop tells while its tests run is heard, so that the end of the session can hold it to the contracts."""

from uuid import uuid4

from labs.classroom.watching import until


def test_the_story_of_an_order_is_heard_from_its_beginning_to_its_mails(shop, told):
    sku = f"tea-{uuid4().hex[:12]}"
    shop.stock(sku, 1)
    order = shop.place((sku, 1))
    story = {"order_placed", "stock_reserved", "order_confirmed", "order_paid", "order_fulfilled", "notification_sent"}
    assert until(lambda: story <= {event.type for event in told.of(order)}, 20), [
        event.type for event in told.of(order)
    ]
