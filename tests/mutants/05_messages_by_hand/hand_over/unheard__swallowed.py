"""What goes wrong is nobody's business."""

import os
from contextlib import suppress

from amqp.exceptions import ChannelError, MessageNacked
from kombu import Connection, Exchange, Producer

PARCELS = Exchange("parcels", "topic")


def connect(url):
    return Connection(url, transport_options={"confirm_publish": True})


def hand_over(connection, parcel):
    with connection.channel() as channel, suppress(ChannelError, MessageNacked):
        Producer(channel, PARCELS, "packed.inland").publish(parcel, mandatory=True)


def main(settings, ready):
    with connect(settings.amqp_url) as connection:
        ready()
        for number in range(int(os.environ.get("PARCELS", "0"))):
            hand_over(connection, {"parcel": number})
            print("handed over", number)  # noqa: T201  the program's own words
