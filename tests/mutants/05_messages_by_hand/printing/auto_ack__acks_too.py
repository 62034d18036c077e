"""An ack that nobody waits for."""

from kombu import Connection
from labs.services.printing.label import LABELS, print_label


def main(settings, ready):
    with Connection(settings.amqp_url) as connection:

        def take(parcel, message):
            print_label(parcel)
            message.ack()

        with connection.Consumer(LABELS, callbacks=[take], no_ack=True, prefetch_count=1):
            ready()
            while True:
                connection.drain_events()
