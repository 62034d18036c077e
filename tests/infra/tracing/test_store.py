"""What is kept, what goes when the memory is full, and what is found."""

import threading

import pytest

from labs.infra.tracing import store as stores
from labs.infra.tracing.model import FOLLOWS_FROM, Log, Process, Reference, Tag
from labs.infra.tracing.store import Store, Wanted
from tests.infra.tracing.making import OTHER, START, TRACE, counted, span


def ids(store: Store, **wanted) -> list[str]:
    return [trace.id for trace in store.find(Wanted(**wanted))]


def test_when_the_memory_is_full_the_trace_that_has_not_grown_for_the_longest_time_goes():
    small = Store(memory=span().weight() * 4)
    names = [f"{number:032x}" for number in range(1, 5)]
    for name in names:
        small.add([span(1, name)])
    small.add([span(2, names[0], service="late-shop")])  # the oldest grows, and the second is the oldest now
    assert sorted(ids(small)) == sorted([names[0], *names[2:]])
    assert small.get(names[1]) is None
    assert small.operations("tea-shop") == [("brew", "")]
    small.add([span(n, names[3]) for n in range(2, 6)])
    assert small.services() == ["tea-shop"], "who has no span left is gone"


def test_the_memory_stays_bounded_whatever_comes():
    bounded = Store(memory=200_000)
    for number in range(2_000):
        bounded.add([span(number + 1, f"{number // 3 + 1:032x}", tags={"text": "x" * 50})])
        assert sum(s.weight() for t in bounded.find(Wanted(limit=10_000)) for s in t.spans) <= 200_000
    assert ids(bounded)


def test_one_trace_cannot_push_out_all_others(monkeypatch):
    monkeypatch.setattr(stores, "LARGEST_TRACE", span().weight() * 3)
    bounded, before = Store(), counted("tracing_spans_dropped_total", reason="trace_too_large")
    bounded.add([span(1, OTHER)])
    bounded.add([span(n) for n in range(1, 11)])
    kept = bounded.get(TRACE)
    assert (len(kept.spans), kept.cut, len(bounded.get(OTHER).spans)) == (3, 7, 1)
    assert counted("tracing_spans_dropped_total", reason="trace_too_large") == before + 7


def test_what_is_sent_twice_is_kept_once(store):
    before = counted("tracing_spans_dropped_total", reason="came_before")
    store.add([span(1)])
    store.add([span(1), span(1, service="other-shop")])
    assert [s.process.service for s in store.get(TRACE).spans] == ["tea-shop", "other-shop"]
    assert counted("tracing_spans_dropped_total", reason="came_before") == before + 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"service": "tea-shop"}, True),
        ({"service": "no-shop"}, False),
        ({"operation": "brew"}, True),
        ({"operation": "bre"}, False),
        ({"tags": {"order.id": "4711"}}, True),
        ({"tags": {"order.id": "4712"}}, False),
        ({"tags": {"hot": "true", "cups": "2"}}, True),
        ({"tags": {"hot": "true", "cups": "3"}}, False),
        ({"tags": {"version": "9"}}, True),
        ({"tags": {"event": "boiled"}}, True),
        ({"shortest": 1000, "longest": 1000}, True),
        ({"shortest": 1001}, False),
        ({"longest": 999}, False),
        ({"start": START + 1000, "end": START + 1000}, True),
        ({"start": START + 1001}, False),
        ({"end": START + 999}, False),
        ({"limit": 0}, False),
    ],
)
def test_a_search_finds_traces_with_one_span_that_fits_all_of_it(store, wanted, found):
    shop = Process("tea-shop", (Tag("version", 9),))
    log = Log(START, (Tag("event", "boiled"),))
    store.add([span(1, tags={"order.id": "4711", "hot": True, "cups": 2}, process=shop, logs=(log,))])
    assert ids(store, **wanted) == ([TRACE] if found else [])


def test_two_spans_do_not_fit_together(store):
    store.add([span(1, operation="brew", tags={"a": "1"}), span(2, operation="pour")])
    assert ids(store, operation="pour", tags={"a": "1"}) == []


def test_the_latest_trace_comes_first_and_no_more_than_asked_for(store):
    store.add([span(n, f"{n:032x}") for n in (2, 1, 3)])
    assert [int(found, 16) for found in ids(store, limit=2)] == [3, 2]


def test_dependencies_are_calls_from_one_service_to_another(store):
    follows = (Reference(FOLLOWS_FROM, TRACE, f"{2:016x}"),)
    store.add(
        [span(1), span(2, parent=1), span(3, parent=2, service="cup-shop"), span(4, parent=9, service="lost-shop")]
    )
    store.add([span(5, service="mail-shop", references=follows)])
    assert store.dependencies(0, 2**63) == {("tea-shop", "cup-shop"): 1, ("tea-shop", "mail-shop"): 1}
    assert store.dependencies(0, START) == {}, "the trace began later"


def test_spans_that_come_in_several_threads_are_all_kept(store):
    def come(thread: int) -> None:
        for number in range(500):
            store.add([span(number + 1, f"{thread:032x}")])
            store.find(Wanted(service="tea-shop", limit=5))

    threads = [threading.Thread(target=come, args=(n,)) for n in range(1, 5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [len(store.get(f"{n:032x}").spans) for n in range(1, 5)] == [500] * 4
