"""The history is a list, the latest death first."""

from kombu import Connection, Producer, Queue


def main(settings, ready):
    ready()
    with Connection(settings.amqp_url, transport_options={"confirm_publish": True}) as connection:
        dead = Queue("dead", channel=connection.channel())
        for letter in list(iter(dead.get, None)):
            queue = letter.headers["x-death"]["queue"]
            Producer(connection.default_channel).publish(letter.payload, routing_key=queue, mandatory=True)
            letter.ack()
