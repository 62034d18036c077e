"""What a private RabbitMQ node needs before it can start: its files in one directory, and the environment that makes
RabbitMQ's own start script use them and nothing else of this machine."""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from labs.infra.debian import libraries
from labs.infra.programs import RabbitMQ
from labs.infra.rabbitmq.slim import slim_installation

_HERE = Path(__file__).parent
# One scheduler of each kind and small buffers: a broker that serves one learner, in 130 MB instead of 200.
_EMULATOR = "+S 1:1 +SDcpu 1:1 +SDio 2 +A 2 +hms 512 -kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True)
class Ports:
    """The ports of a node, all on 127.0.0.1. `metrics` answers Prometheus, and needs no password: it knows numbers only."""

    amqp: int
    http: int
    metrics: int
    dist: int
    epmd: int


def prepare(directory: Path, ports: Ports, rabbit: RabbitMQ) -> tuple[list[str], dict[str, str]]:
    """Writes the node's files; returns the command that becomes the broker, and its whole environment."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = without_spaces(directory)
    (place / "rabbitmq.conf").write_text(_settings(ports, rabbit))
    (place / "rabbitmq.conf").chmod(0o600)
    shutil.copyfile(_HERE / "enabled_plugins", place / "enabled_plugins")
    cookie = place / ".erlang.cookie"
    if not cookie.exists():
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(20))
    scripts = slim_installation(place / "rabbitmq", rabbit.scripts, (_HERE / "enabled_plugins").read_text())
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= _erlang(place, rabbit)
    environment |= {
        "HOME": str(place),
        "ERL_EPMD_PORT": str(ports.epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_SCRIPTS_DIR": str(scripts),
        "RABBITMQ_ALLOW_INPUT": "1",  # makes the script become the broker, not its parent; -noinput is passed below
        "RABBITMQ_NODENAME": "lab@localhost",
        "RABBITMQ_NODE_PORT": str(ports.amqp),
        "RABBITMQ_DIST_PORT": str(ports.dist),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(place / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(place / "data"),
        "RABBITMQ_LOG_BASE": str(place / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(place / "pid"),
        "RABBITMQ_SCHEMA_DIR": str(place / "schema"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(place / "config"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _EMULATOR,
        "RABBITMQ_CTL_ERL_ARGS": "+S 1:1",
    }
    return [str(scripts / "rabbitmq-server"), "-noinput", "+B", "i"], environment


def _settings(ports: Ports, rabbit: RabbitMQ) -> str:
    """The common rabbitmq.conf, this node's ports, and what this version knows."""
    lines = [
        (_HERE / "rabbitmq.conf").read_text(),
        f"listeners.tcp.local = 127.0.0.1:{ports.amqp}",
        "management.tcp.ip = 127.0.0.1",
        f"management.tcp.port = {ports.http}",
        "prometheus.tcp.ip = 127.0.0.1",
        f"prometheus.tcp.port = {ports.metrics}",
    ]
    if rabbit.release >= (3, 13):  # queues that later versions refuse are refused here already
        lines.append("deprecated_features.permit.transient_nonexcl_queues = false")
    return "\n".join(lines) + "\n"


def _erlang(place: Path, rabbit: RabbitMQ) -> dict[str, str]:
    """What makes the start script find this RabbitMQ's own Erlang. A fetched Erlang believes that it is in /usr/lib:
    its emulator is started directly, under the name that the script asks for, and is told where it is."""
    path = os.environ.get("PATH", os.defpath)
    if rabbit.root is None:
        return {"PATH": os.pathsep.join((str(rabbit.erlang), path))}
    root = without_spaces(rabbit.root)
    erlang = root / "usr/lib/erlang"
    emulator = next(erlang.glob("erts-*/bin"))
    programs = place / "bin"
    programs.mkdir(exist_ok=True)
    _link(programs / "erl", emulator / "erlexec")
    _link(programs / "epmd", emulator / "epmd")
    folders = libraries(root)
    return {
        "PATH": os.pathsep.join((str(programs), path)),
        "ROOTDIR": str(erlang),
        "BINDIR": str(emulator),
        "EMU": "beam",
        "PROGNAME": "erl",
        **({"LD_LIBRARY_PATH": os.pathsep.join(folders)} if folders else {}),
    }


def without_spaces(path: Path) -> Path:
    """The same place under a name that the start script can take: RabbitMQ's and Erlang's scripts split at spaces. It
    is always the same name, since a node remembers its paths, in a folder that nobody else may write to."""
    if not _awkward(path):
        return path
    alias = _private_folder() / hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    _link(alias, path)
    return alias


def _link(link: Path, target: Path) -> None:
    """Makes `link` point to `target`, at no moment to nothing."""
    if not (link.is_symlink() and link.readlink() == target):
        fresh = link.with_name(f"{link.name}.{os.getpid()}")
        fresh.symlink_to(target)
        fresh.replace(link)


def _awkward(path: Path) -> bool:
    return any(not (letter.isalnum() and letter.isascii()) and letter not in "/._-+@" for letter in str(path))


def _private_folder() -> Path:
    """A folder of this user alone, without spaces, that outlives the node: the user's runtime folder or one under
    /tmp."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere")
    shared = Path(tempfile.gettempdir())
    base = runtime if _ours(runtime) and not _awkward(runtime) else Path("/tmp") if _awkward(shared) else shared
    folder = base / f"microservices-lab-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _ours(folder):
        raise PermissionError(f"{folder} belongs to somebody else or is open to others; remove it, or set TMPDIR")
    return folder


def _ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
