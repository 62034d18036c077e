"""Remote procedure calls over the broker: nameko's `rpc`, on the same connection as the event handlers."""

from nameko.rpc import Rpc as NamekoRpc
from nameko.rpc import RpcConsumer as NamekoRpcConsumer

from labs.services.chassis.consumer import Consumer


class RpcConsumer(NamekoRpcConsumer):
    """nameko's, which shares the connection of the process."""

    queue_consumer = Consumer()


class Rpc(NamekoRpc):
    """nameko's, with that consumer."""

    rpc_consumer = RpcConsumer()


rpc = Rpc.decorator
