"""Prints, and never says so."""

from kombu import Connection
from labs.services.printing.label import LABELS, print_label


def main(settings, ready):
    with Connection(settings.amqp_url) as connection:

        def take(parcel, _message):
            print_label(parcel)

        with connection.Consumer(LABELS, callbacks=[take]):
            ready()
            while True:
                connection.drain_events()
