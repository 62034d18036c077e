"""No two systems, and no stranger, ever get the same port from us."""

import socket
import subprocess
import sys

import pytest

from labs.infra import ports
from labs.infra.ports import HOST, NoPorts, Ports

CLAIMS = "import sys; p = p.Ports(); print(*(p.claim() for _ in range(6)), flush=True); sys.stdin.read()"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> range:
    """A range so small that whoever is careless collides: ten ports in a row that are free right now."""
    for first in range(29_000, 20_000, -10):
        claimed = Ports()
        monkeypatch.setattr(ports, "FIRST", first)
        monkeypatch.setattr(ports, "LAST", first + 9)
        try:
            if len({claimed.claim() for _ in range(10)}) == 10:
                return range(first, first + 10)
        except NoPorts:
            continue
        finally:
            claimed.release()
    raise AssertionError("no ten free ports in a row")


def test_a_port_that_somebody_listens_on_is_never_given(few: range) -> None:
    listeners = [socket.create_server((HOST, port)) for port in few[:9]]
    try:
        assert Ports().claim() == few[9]
    finally:
        for listener in listeners:
            listener.close()


def test_two_claims_never_meet_and_the_last_says_that_nothing_is_left(few: range) -> None:
    one, other = Ports(), Ports()

    given = [one.claim() for _ in range(5)] + [other.claim() for _ in range(5)]

    assert sorted(given) == list(few)
    with pytest.raises(NoPorts, match=r"No free port between .* `lab ps` shows what runs"):
        one.claim()


def test_what_is_released_can_be_claimed_again(few: range) -> None:
    one = Ports()
    for _ in few:
        one.claim()
    one.release()

    assert Ports().claim() in few


def test_a_claim_of_another_process_is_respected_until_it_ends(few: range) -> None:
    script = f"import labs.infra.ports as p; p.FIRST, p.LAST = {few[0]}, {few[-1]}; {CLAIMS}"
    with subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin and process.stdout
        theirs = {int(port) for port in process.stdout.readline().split()}
        mine = Ports()
        ours = {mine.claim() for _ in range(4)}
        assert len(theirs) == 6
        assert not theirs & ours
        with pytest.raises(NoPorts):
            mine.claim()
        process.kill()
        process.wait()

    assert mine.claim() in theirs


def test_claims_of_both_kinds_never_meet(few: range) -> None:
    one, other = Ports(), Ports()

    given = [one.claim(udp=number % 2 == 0) for number in range(5)] + [
        other.claim(udp=number > 2) for number in range(5)
    ]

    assert sorted(given) == list(few)
    for udp in (False, True):
        with pytest.raises(NoPorts):
            one.claim(udp)


def test_a_port_that_somebody_takes_packets_at_is_never_given(few: range) -> None:
    receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in few[:9]]
    for port, receiver in zip(few, receivers, strict=False):
        receiver.bind((HOST, port))
    try:
        assert Ports().claim(udp=True) == few[9]
    finally:
        for receiver in receivers:
            receiver.close()


def test_a_port_claimed_for_packets_can_be_used_for_them() -> None:
    claimed = Ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((HOST, claimed.claim(udp=True)))
        assert receiver.getsockname()[0] == HOST


def test_a_claimed_port_can_be_listened_on_by_the_service_it_is_for() -> None:
    claimed = Ports()
    with socket.create_server((HOST, claimed.claim())) as server:
        assert server.getsockname()[0] == "127.0.0.1"
