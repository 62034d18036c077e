"""`python -m labs.infra.faults.wire --admin 127.0.0.1:8099 --line wire_inventory 127.0.0.1:8002 inventory-api:8000 …`: the wire
between services as a process, through which they ask each other where a lab wants to make it longer. Each line is a TCP proxy
(lines.py); at the admin address GET, PUT and DELETE /faults say and set how long they are. When the process ends, so do
its delays.

Calls between services go straight to the other one and not by the gateway, so a fault filter there would meet none of them; and
it would delay requests, where a wire delays whatever passes: a second connection pays its handshake, ten requests side by side
wait once."""

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, jsonify, request

from labs.infra.faults import FaultError
from labs.infra.faults.lines import Line
from labs.infra.faults.named import DELAYS
from labs.services.chassis import health, logs
from labs.services.chassis.program import serve


def create_app(lines: Mapping[str, Line]) -> Flask:
    """What the admin address answers: as the world outside does at the same paths, in milliseconds."""
    app = Flask("wire")
    app.register_blueprint(health.blueprint({}, {}))

    @app.get("/faults")
    def look() -> Response:
        return jsonify(items=[_out(line) for line in lines.values()])

    @app.put("/faults/<name>")
    def switch(name: str) -> tuple[Response, int]:
        if name not in lines:
            return jsonify(detail=f"There is no line {name!r}. There are: {', '.join(lines)}."), 404
        said = request.get_json(silent=True)
        asked: dict[str, Any] = said if isinstance(said, dict) else {}
        on = asked.get("on")
        if not isinstance(on, bool):
            return jsonify(detail='Send {"on": true} or {"on": false}, and "milliseconds".'), 422
        try:
            wanted = DELAYS[name].value(_number(asked.get("milliseconds")))
        except FaultError as error:
            return jsonify(detail=str(error)), 422
        lines[name].milliseconds = wanted if on else 0.0
        return jsonify(_out(lines[name])), 200

    @app.delete("/faults")
    def mend() -> tuple[str, int]:
        for line in lines.values():
            line.milliseconds = 0.0
        return "", 204

    return app


def _number(value: Any) -> float | None:
    """None stays so, and what is no number is none that there can be."""
    return value if value is None or (isinstance(value, int | float) and not isinstance(value, bool)) else math.nan


def _out(line: Line) -> dict[str, Any]:
    return {"name": line.name, "on": line.milliseconds > 0, "milliseconds": line.milliseconds}


async def run(lines: Mapping[str, tuple[str, Line]], admin: str) -> None:
    """Until SIGTERM or SIGINT. `lines` by name with the address (host:port) at which each takes connections. Raises OSError."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    taking = [await line.open(address) for address, line in lines.values()]
    host, _, port = admin.rpartition(":")
    serve(create_app({name: line for name, (_, line) in lines.items()}), host, int(port), "admin")
    await over.wait()
    for door in taking:
        door.close()


def main(arguments: list[str]) -> None:
    """Raises SystemExit with what keeps it from running."""
    parser = argparse.ArgumentParser(prog="python -m labs.infra.faults.wire")
    parser.add_argument("--admin", required=True, help="host:port at which delays are set")
    parser.add_argument(
        "--line",
        required=True,
        nargs=3,
        action="append",
        metavar=("NAME", "HERE", "THERE"),
        help=f"one of {', '.join(DELAYS)}; host:port that it listens on; host:port to which it leads",
    )
    asked = parser.parse_args(arguments)
    if strange := [name for name, _, _ in asked.line if name not in DELAYS]:
        raise SystemExit(f"There is no delay {', '.join(strange)}. There are: {', '.join(DELAYS)}.")
    logs.configure("wire")
    try:
        asyncio.run(run({name: (here, Line(name, there)) for name, here, there in asked.line}, asked.admin))
    except (OSError, ValueError, OverflowError) as error:
        raise SystemExit(f"The wire cannot be laid: {error}. Each address is host:port, and nobody else's.") from None


if __name__ == "__main__":
    main(sys.argv[1:])
