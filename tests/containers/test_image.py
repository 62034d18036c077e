"""What is in the image of the services, and what its processes may do."""

import json
import subprocess

import pytest

IMAGE = "microservices-lab/services"
OURS = [
    "user-api",
    "user-worker",
    "order-api",
    "order-worker",
    "inventory-api",
    "inventory-worker",
    "notification-api",
    "notification-worker",
    "outside",
]


def inside(containers, service: str, code: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python code in a container."""
    return containers.compose("exec", "-T", service, "python", "-c", code, capture_output=True)


def inspected(name: str) -> dict:
    """What Docker knows of an image or a container."""
    done = subprocess.run(["docker", "inspect", name], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize("service", OURS)
def test_a_service_is_nobody_important_and_writes_only_its_own_folder(containers, service):
    who = inside(containers, service, "import os; print(os.getuid(), os.getgid(), os.getgroups())")
    assert who.stdout.strip() == "10001 10001 [10001]"
    [data] = containers.services[service].volumes
    code = "import pathlib, sys; [pathlib.Path(p, 'here').write_text('') for p in sys.argv[1:]]"
    for folder, works in ((data, True), ("/tmp", True), ("/opt/shop/labs", False), ("/etc", False), ("/", False)):
        done = containers.compose("exec", "-T", service, "python", "-c", code, folder, capture_output=True)
        assert (done.returncode == 0) is works, f"{folder}: {done.stderr}"
        assert works or "Read-only file system" in done.stderr


@pytest.mark.parametrize("service", OURS)
def test_a_service_has_no_capability_and_can_get_none(containers, service):
    status = inside(containers, service, "print(open('/proc/self/status').read())").stdout
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"


def test_nothing_can_be_installed_or_compiled_in_it(containers):
    for module in ("pip", "setuptools"):
        assert f"No module named '{module}'" in inside(containers, "outside", f"import {module}").stderr
    code = "import shutil; print([p for p in ('pip', 'pip3', 'gcc', 'cc', 'make') if shutil.which(p)])"
    assert inside(containers, "outside", code).stdout.strip() == "[]"


def test_only_what_runs_in_it_was_copied_and_it_is_compiled(containers):
    code = """if True:
        import pathlib
        shop = pathlib.Path("/opt/shop")
        print(sorted(str(p.relative_to(shop)) for p in [*shop.iterdir(), *shop.glob("labs/*"), *shop.glob("labs/infra/*")]
                     if p.name != "__pycache__"))
        print([str(p) for p in shop.rglob("*.py") if not list((p.parent / "__pycache__").glob(f"{p.stem}.*.pyc"))])
    """
    copied, uncompiled = inside(containers, "outside", code).stdout.splitlines()
    infra = ["labs/infra", "labs/infra/__init__.py", "labs/infra/postgres", "labs/infra/rabbitmq"]
    assert eval(copied) == ["labs", "labs/__init__.py", *infra, "labs/services"]
    assert uncompiled == "[]"


def test_it_adds_less_than_120_mb_to_python(containers):
    """More than half of them are SQLAlchemy, cryptography, PostgreSQL's driver and pydantic's core."""
    assert containers.state()
    dockerfile = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", IMAGE, "python:3.12-slim-bookworm"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours, base = map(int, dockerfile.stdout.split())
    assert ours - base < 120_000_000


def test_no_secret_is_in_it(containers):
    said = json.dumps(inspected(IMAGE)["Config"])
    secrets = containers.variables.secrets().values()
    assert len(secrets) >= 8
    assert [secret for secret in secrets if secret in said] == []
