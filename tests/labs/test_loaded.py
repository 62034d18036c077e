"""Which libraries the monolith loads, and who stands on them, by a process that loads it and nothing else."""

import json
import subprocess
import sys

from labs.infra.home import PROJECT

SCRIPT = (PROJECT / "labs/classroom/loaded.py").read_text()


def survey(module: str, *parts: str) -> dict[str, dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, module, *parts], cwd=PROJECT, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_a_library_is_its_parts_and_one_that_a_part_does_not_use_is_not() -> None:
    found = survey("labs.services.monolith.api", "user", "inventory", "order", "notification")
    assert found["SQLAlchemy"]["parts"] == ["user", "inventory", "order", "notification"]
    assert found["argon2-cffi"]["parts"] == ["user"]
    assert "jupyterlab" not in found, "nothing but the program is loaded"
    assert "microservices-lab" not in found, "nor is it a library of its own"
