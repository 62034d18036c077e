"""Looks into the wrong queue."""

from kombu import Connection, Producer, Queue


def main(settings, ready):
    ready()
    with Connection(settings.amqp_url, transport_options={"confirm_publish": True}) as connection:
        dead = Queue("customs", channel=connection.channel())
        for letter in list(iter(dead.get, None)):
            queue = letter.headers["x-death"][0]["queue"]
            Producer(connection.default_channel).publish(letter.payload, routing_key=queue, mandatory=True)
            letter.ack()
