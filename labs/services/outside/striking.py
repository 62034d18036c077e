"""Where faults meet requests over HTTP, for all gateways alike, and the switches for them: GET and PUT /faults."""

import select
import socket
import time
from typing import Annotated, Any

from apiflask import APIFlask
from flask import Response, g, request
from pydantic import BaseModel, ConfigDict, Field

from labs.services.chassis.problems import Problem
from labs.services.outside.faults import FAULTS, LATENCY, Effect, Switches

SAID = {
    422: "The receiver is unknown.",
    500: "Something broke here. Nothing was done.",
    503: "Too busy. Nothing was done; come again.",
}


class FaultIn(BaseModel):
    """On or off; while it is on, how many seconds it delays and which n-th request it hits, if not as described."""

    model_config = ConfigDict(extra="forbid")
    on: Annotated[bool, Field(strict=True)]
    seconds: Annotated[float, Field(ge=0, le=600)] | None = None
    every: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None


class FaultOut(BaseModel):
    """A fault. `requests` have met it since it was switched on; `normal_seconds` is what its gateway takes without it."""

    name: str
    gateway: str
    description: str
    on: bool
    seconds: float
    every: int
    requests: int
    normal_seconds: float


class FaultsOut(BaseModel):
    """All faults that there are."""

    items: list[FaultOut]


def install(app: APIFlask, switches: Switches) -> None:
    """From now on every POST to a blueprint that is named after a gateway meets that gateway's faults."""

    @app.before_request
    def strike() -> None:
        if request.method != "POST" or request.blueprint not in LATENCY:
            return
        g.effect = switches.strike(request.blueprint)
        _wait(LATENCY[request.blueprint] + g.effect.before)
        if g.effect.status:
            raise Problem(g.effect.status, SAID[g.effect.status], headers={"Retry-After": "1"})

    @app.after_request
    def answer(response: Response) -> Response:
        _wait(effect().after, leave_early=True)
        if effect().silent:
            _hang_up()
        return response

    @app.get("/faults")
    @app.output(FaultsOut)
    def look() -> Any:
        """All faults: what they break, and whether they are on."""
        on = switches.on()
        return {"items": [_out(name, on) for name in FAULTS]}

    @app.put("/faults/<name>")
    @app.input(FaultIn)
    @app.output(FaultOut)
    @app.doc(responses={404: "No such fault"})
    def switch(name: str, json_data: FaultIn) -> Any:
        """Break it, or mend it."""
        if name not in FAULTS:
            raise Problem(404, f"There is no fault {name!r}. There are: {', '.join(FAULTS)}.")
        if json_data.seconds is not None and not FAULTS[name].seconds:
            raise Problem(422, f"{name} delays nothing: it has no seconds.")
        if json_data.on:
            switches.turn_on(name, json_data.seconds, json_data.every)
        else:
            switches.turn_off([name])
        return _out(name, switches.on())

    @app.delete("/faults")
    @app.output({}, status_code=204)
    def mend() -> Any:
        """Switch all of them off."""
        switches.turn_off(FAULTS)
        return ""


def effect() -> Effect:
    """What the request being handled met."""
    return g.get("effect") or Effect()


def _out(name: str, on: dict[str, Any]) -> dict[str, Any]:
    fault, switch = FAULTS[name], on.get(name)
    return {
        "name": name,
        "gateway": fault.gateway,
        "description": fault.description,
        "on": switch is not None,
        "seconds": switch.seconds if switch else fault.seconds,
        "every": switch.every if switch else fault.every,
        "requests": switch.requests if switch else 0,
        "normal_seconds": LATENCY[fault.gateway],
    }


def _wait(seconds: float, leave_early: bool = False) -> None:
    """So long; or, where nothing is to be done afterwards, until the client has gone: its thread is free for others then."""
    client: socket.socket | None = request.environ.get("gunicorn.socket")
    if client is None or not leave_early:
        time.sleep(seconds)
        return
    client_left = select.poll()
    client_left.register(client, select.POLLIN)  # its request is read, so what comes now is the end
    client_left.poll(seconds * 1000)


def _hang_up() -> None:
    """Close the connection before the answer is written to it. Without a connection (a test client) it is an error."""
    client: socket.socket = request.environ["gunicorn.socket"]
    client.shutdown(socket.SHUT_RDWR)
