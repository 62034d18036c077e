"""The broker of a system, seen as the process that it is: Erlang's virtual machine, called beam."""

import psutil

from labs.classroom.watching import management
from labs.infra.system import BROKER, System


def beam(system: System) -> psutil.Process:
    """The broker's virtual machine as it runs now."""
    family = psutil.Process(system.pid(BROKER)).children(recursive=True)
    return next(process for process in family if process.name().startswith("beam"))


def answers(system: System) -> bool:
    """Whether it serves now."""
    return system.broker is not None and system.broker.answers


def remembers_its_queues(system: System) -> bool:
    """Whether the broker has the names of all quorum queues on disk. RabbitMQ 3.10 writes them up to three seconds late, and a
    queue that it forgot has no leader ever after."""
    queues = management(system, "GET", "queues").json()
    (names,) = system.places.volume("rabbitmq-data").glob("data/*/quorum/*/names.dets")
    return all(q["name"].encode() in names.read_bytes() for q in queues if q["type"] == "quorum")
