"""What the broker has, it forgets when it is restarted."""

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
                return Producer(channel, PARCELS, "packed.inland").publish(parcel, mandatory=True, delivery_mode=1)
            except (ChannelError, MessageNacked):
                time.sleep(0.1)


def main(settings, ready):
    with connect(settings.amqp_url) as connection:
        ready()
        for number in range(int(os.environ.get("PARCELS", "0"))):
            hand_over(connection, {"parcel": number})
            print("handed over", number)  # noqa: T201  the program's own words
