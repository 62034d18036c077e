"""The first no ends the program, and it begins again from the first parcel."""

import os

from kombu import Connection, Exchange, Producer

PARCELS = Exchange("parcels", "topic")


def connect(url):
    return Connection(url, transport_options={"confirm_publish": True})


def hand_over(connection, parcel):
    Producer(connection.default_channel, PARCELS, "packed.inland").publish(parcel, mandatory=True)


def main(settings, ready):
    with connect(settings.amqp_url) as connection:
        ready()
        for number in range(int(os.environ.get("PARCELS", "0"))):
            hand_over(connection, {"parcel": number})
            print("handed over", number)  # noqa: T201  the program's own words
