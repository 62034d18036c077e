"""Consumes, and never looks."""

import signal

from kombu import Connection
from labs.services.printing.label import LABELS, print_label


def main(settings, ready):
    connection = Connection(settings.amqp_url)
    with connection.Consumer(LABELS, callbacks=[lambda parcel, _: print_label(parcel)], prefetch_count=1):
        ready()
        signal.pause()
