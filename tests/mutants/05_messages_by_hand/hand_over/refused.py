"""Looks whether a queue is there, and does not wait for what it says."""

import os
import time

from kombu import Connection, Exchange, Producer

PARCELS = Exchange("parcels", "topic")


def connect(url):
    return Connection(url)


def hand_over(connection, parcel):
    while not routed(connection, parcel):
        time.sleep(0.1)


def routed(connection, parcel):
    returned = []
    with connection.channel() as channel:
        producer = Producer(channel, PARCELS, "packed.inland", on_return=lambda *told: returned.append(told))
        producer.publish(parcel, mandatory=True)
        channel.queue_declare("check.alive", passive=False, durable=True)  # the answer to this comes after a return
    return not returned


def main(settings, ready):
    with connect(settings.amqp_url) as connection:
        ready()
        for number in range(int(os.environ.get("PARCELS", "0"))):
            hand_over(connection, {"parcel": number})
            print("handed over", number)  # noqa: T201  the program's own words
