"""Timers beside requests: each in its turn, whatever becomes of the others."""

import threading

from labs.services.chassis.clock import Clock


def test_a_timer_that_fails_is_called_again_and_keeps_no_other_from_its_turn():
    calls: list[str] = []
    enough = threading.Event()

    def breaks() -> None:
        calls.append("breaks")
        raise ValueError("never mind")

    def works() -> None:
        calls.append("works")
        if calls.count("works") >= 3:
            enough.set()

    clock = Clock([(0.01, breaks), (0.01, works)]).start()
    assert enough.wait(10)
    clock.stop()
    assert calls.count("breaks") >= 3


def test_a_clock_that_is_stopped_calls_nobody():
    called = threading.Event()
    clock = Clock([(0.05, called.set)])
    clock.start().stop()
    assert not called.wait(0.2)
