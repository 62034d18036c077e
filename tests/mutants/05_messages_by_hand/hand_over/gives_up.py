"""Of a full queue it tries once, and goes on with the next parcel."""

import os
import time

from amqp.exceptions import ChannelError, MessageNacked
from kombu import Connection, Exchange, Producer

PARCELS = Exchange("parcels", "topic")


def connect(url):
    return Connection(url, transport_options={"confirm_publish": True})


def hand_over(connection, parcel):
    while True:
        with connection.channel() as channel:
            try:
                return Producer(channel, PARCELS, "packed.inland").publish(parcel, mandatory=True)
            except ChannelError:
                time.sleep(0.1)
            except MessageNacked:
                return wait_for_room(connection)


def wait_for_room(connection):
    """Until the next parcel would be taken; this one is forgotten."""
    while True:
        with connection.channel() as channel:
            try:
                return Producer(channel, PARCELS, "packed.inland").publish({"parcel": -1}, mandatory=True)
            except MessageNacked:
                time.sleep(0.1)


def main(settings, ready):
    with connect(settings.amqp_url) as connection:
        ready()
        for number in range(int(os.environ.get("PARCELS", "0"))):
            hand_over(connection, {"parcel": number})
            print("handed over", number)  # noqa: T201  the program's own words
