"""Versions are chosen in one place: pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from labs.infra.home import PROJECT

PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = (PROJECT / "requirements.lock").read_text()
ENVIRONMENT: dict[str, Any] = yaml.safe_load((PROJECT / "environment.yml").read_text())

CHOSEN = [
    Requirement(text)
    for texts in (
        PYPROJECT["project"]["dependencies"],
        *PYPROJECT["project"]["optional-dependencies"].values(),
    )
    for text in texts
]


def locked() -> dict[str, list[Requirement]]:
    """Every pin of the lock by name; a name may have several, each for other versions of Python."""
    pins: dict[str, list[Requirement]] = {}
    for line in LOCK.splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.rstrip(" \\"))
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


@pytest.mark.parametrize("chosen", CHOSEN, ids=lambda requirement: requirement.name)
def test_what_is_chosen_is_locked_at_a_version_that_fits(chosen):
    pins = locked().get(canonicalize_name(chosen.name))
    assert pins, f"{chosen.name} is in pyproject.toml and not in requirements.lock; run `make lock`"
    for pin in pins:
        [version] = [each.version for each in pin.specifier if each.operator == "=="]
        assert chosen.specifier.contains(version, prereleases=True), f"{pin} does not fit {chosen}; run `make lock`"


def test_every_pin_is_exact_and_has_a_hash():
    blocks = re.findall(r"^\w[^\n]*(?:\n[ \t]+[^\n]*)*", LOCK, re.MULTILINE)
    assert len(blocks) == sum(len(pins) for pins in locked().values())
    assert [block.splitlines()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock", "environment.yml"])
def test_no_file_says_where_packages_come_from(name):
    text = "\n".join(line.split("#")[0] for line in (PROJECT / name).read_text().splitlines())
    assert re.findall(r"index-url|find-links|trusted-host|\[\[?tool\.uv\.index|https?://", text) == []
    assert "://" not in text or name == "pyproject.toml", f"{name} names an address"
    assert [str(requirement) for requirement in CHOSEN if requirement.url] == []


def conda(name: str) -> str:
    """The version range that environment.yml gives a conda package."""
    [entry] = [each for each in ENVIRONMENT["dependencies"] if isinstance(each, str) and each.split()[0] == name]
    return entry.removeprefix(name).strip()


def test_conda_brings_the_pythons_that_the_project_asks_for():
    assert SpecifierSet(conda("python")) == SpecifierSet(PYPROJECT["project"]["requires-python"])


def test_conda_brings_the_broker_and_what_installs_the_rest():
    assert SpecifierSet(conda("rabbitmq-server")).contains("4.0.0")
    assert not SpecifierSet(conda("rabbitmq-server")).contains("3.13.0")
    assert conda("make") == conda("pip") == ""


def test_conda_installs_the_same_lock_from_conda_forge_alone():
    [by_pip] = [each["pip"] for each in ENVIRONMENT["dependencies"] if isinstance(each, dict)]
    assert by_pip == ["-r requirements.lock"]
    assert set(ENVIRONMENT["channels"]) == {"conda-forge", "nodefaults"}


def test_ci_runs_every_python_that_the_project_promises():
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
    promised = SpecifierSet(PYPROJECT["project"]["requires-python"])
    pythons = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == [f"3.{minor}" for minor in range(100) if promised.contains(f"3.{minor}.0")]
