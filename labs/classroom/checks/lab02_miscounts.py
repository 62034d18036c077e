"""Lab 02: what else one may count where shared transactions are meant, and what is wrong with it."""

from collections.abc import Callable, Mapping, Sequence

from labs.classroom import cutting
from labs.classroom.cutting import Owner, Step


def _calls_within(steps: Sequence[Step], owner: Owner) -> int:
    return sum(owner(s.caller) != owner(s.called) for s in steps if s.transaction)


def _all_shared(steps: Sequence[Step], owner: Owner) -> int:
    return len({n for n in {s.transaction for s in steps} if n and len(_services(steps, owner, n)) > 1})


def _outside_too(steps: Sequence[Step], owner: Owner) -> int:
    return cutting.crossings(steps, owner) + (len(_services(steps, owner, 0)) > 1)


def _changing(steps: Sequence[Step], _owner: Owner) -> int:
    return len({s.transaction for s in steps if s.transaction and s.what in cutting.WRITES})


def _services(steps: Sequence[Step], owner: Owner, transaction: int) -> set[str]:
    return {owner(part) for s in steps if s.transaction == transaction for part in (s.caller, s.called)}


MISCOUNTS: Mapping[str, tuple[Callable[[Sequence[Step], Owner], int], str]] = {
    "counts_calls": (_calls_within, "Those are the calls. Ten calls in one transaction are one transaction."),
    "reads_too": (_all_shared, "You count those that only look, too. Where nothing changes, nothing must be undone."),
    "outside_too": (
        _outside_too,
        "What happens outside of any transaction has the number 0. That is not one more of them.",
    ),
    "all_writes": (_changing, "Those are all that change something. One service alone needs nobody's agreement."),
}
