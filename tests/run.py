"""`python -m tests.run [stage ...]`: what CI proves, in stages, on one ground. For `make test`."""

import json
import os
import shutil
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

from tests.board import Board
from tests.ground import Ground
from tests.interrupts import INTERRUPTS
from tests.stages import STAGES, Outcome, Stage, run

INTERRUPTED = 130


def main(names: list[str]) -> int:
    """0 if every stage is good, 1 if not, 2 for a stage that does not exist, 130 when interrupted."""
    unknown = set(names) - {stage.name for stage in STAGES}
    if unknown:
        known = ", ".join(stage.name for stage in STAGES)
        sys.stderr.write(f"There is no stage {', '.join(sorted(unknown))}. The stages are: {known}.\n")
        return 2
    os.environ.setdefault("LAB_FAULTS", "short")  # `make test-faults` has time for all of them
    os.environ.setdefault("LAB_MUTANTS", "short")  # and `make test-labs` for these
    INTERRUPTS.install()
    INTERRUPTS.hold()
    stages = [stage for stage in STAGES if not names or stage.name in names]
    ground, board = Ground(), Board()
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        results = _results_folder(ground)
        board.begin(len(stages))
        INTERRUPTS.release()
        for stage in stages:
            outcomes.append(_one(stage, results, board))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        INTERRUPTS.hold()
        ground.close()
    (results / "summary.json").write_text(json.dumps([_summary(outcome) for outcome in outcomes], indent=2) + "\n")
    board.end(outcomes)
    if interrupted:
        return INTERRUPTED
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _results_folder(ground: Ground) -> Path:
    """Where logs and the labs' results files stay after the run; those of the run before go."""
    folder = ground.real / "test-results"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ["LAB_TEST_RESULTS"] = str(folder)
    return folder


def _one(stage: Stage, results: Path, board: Board) -> Outcome:
    board.stage(stage)
    try:
        outcome = run(stage, results / f"{stage.name}.log", board.heard)
    except Exception as error:  # noqa: BLE001  (whatever it is, the stage failed by it and the next ones still count)
        why = f"it did not start: {type(error).__name__}: {error}"
        outcome = Outcome(stage, failed=1, failures=[why], output=traceback.format_exc())
    board.done(outcome)
    return outcome


def _summary(outcome: Outcome) -> dict[str, object]:
    return {key: value for key, value in asdict(outcome).items() if key != "output"} | {"stage": outcome.stage.name}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
