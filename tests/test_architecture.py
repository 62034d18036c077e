"""The arrows go one way (CONTRIBUTING says why); import-linter holds the code to the contracts in pyproject.toml."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from labs.infra.home import PROJECT

LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the `labs` that lies in `folder`."""
    return subprocess.run(
        [LINT, "--no-cache", "--config", folder / "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(tmp_path):
    """A copy of the project's code, to break."""
    shutil.copytree(PROJECT / "labs", tmp_path / "labs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contract_knows_every_service():
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    known = set(re.findall(r"[\w.]+", " ".join(contracts[0]["layers"])))
    services = {f"labs.services.{path.parent.name}" for path in (PROJECT / "labs/services").glob("*/__init__.py")}
    assert len(services) >= 7
    assert services <= known


def test_the_code_keeps_the_contracts():
    done = lint(PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("services/chassis/wrong.py", "import labs.infra.home", "The arrows go one way"),
        ("services/chassis/wrong.py", "import labs.services.order.domain", "The arrows go one way"),
        ("services/order/wrong.py", "import labs.services.inventory.domain", "The arrows go one way"),
        ("services/inventory/wrong.py", "import labs.classroom", "The arrows go one way"),
        ("services/order/wrong.py", "import labs.services.outside.payments", "The arrows go one way"),
        ("services/user/wrong.py", "import labs.services.monolith.calls", "The arrows go one way"),
        ("infra/wrong.py", "import labs.classroom", "The arrows go one way"),
        ("infra/wrong.py", "import nameko.rpc", "nameko stays inside"),
        ("services/order/wrong.py", "import nameko", "nameko stays inside"),
        ("services/order/domain.py", "import sqlalchemy", "The rules of the business"),
    ],
    ids=lambda part: part.removeprefix("import ") if isinstance(part, str) else None,
)
def test_an_import_the_wrong_way_is_found(copy, file, line, contract):
    with (copy / "labs" / file).open("a") as code:
        code.write(f"\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(said.startswith(contract) and " BROKEN" in said for said in done.stdout.splitlines()), done.stdout
