"""Becomes a private PostgreSQL server on 127.0.0.1: makes its data on the first start, gives up root (PostgreSQL refuses to
run as root), and then is `postgres` itself, so that who signals or kills this process does it to PostgreSQL. It takes the
administrator's password from POSTGRES_PASSWORD. Stop it with SIGINT."""

import argparse
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from labs.infra.programs import Postgres, find_postgres

ADMINISTRATOR = "postgres"
_NOBODY = "nobody"
_READ_SEARCH, _OVERRIDE = 2, 1
"""Numbers of Linux's capabilities to pass through folders that are closed to everybody but root."""


class ServerError(Exception):
    """The server cannot be started; the message says why and what to do next."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does not return if all is well, else 1."""
    parser = argparse.ArgumentParser(prog="labs.infra.postgres.server", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the server keeps everything; made if missing")
    parser.add_argument("--bind", required=True, help="host:port")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("postgresql.conf"))
    parser.add_argument("--set", action="append", default=[], help="name=value, over what the config says")
    chosen = parser.parse_args(arguments)
    try:
        postgres = find_postgres()
        if postgres is None:
            raise ServerError("PostgreSQL is not here; `lab doctor` says how to get it.")
        data = prepare(chosen.directory.resolve(), postgres)
        host, _, port = chosen.bind.rpartition(":")
        settings = [f"config_file={chosen.config.resolve()}", f"listen_addresses={host}", f"port={port}"]
        # Everybody comes over TCP; the path of a socket would be too long in many a folder. The image needs its own.
        settings += ["unix_socket_directories=", *chosen.set]
        serve = [str(postgres.programs / "postgres"), "-D", str(data), *(w for one in settings for w in ("-c", one))]
        command = [*_unprivileged(), *serve]
        os.execvpe(command[0], command, _environment(postgres))
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        sys.stderr.write(f"PostgreSQL cannot keep its files in {chosen.directory}: {error.strerror or error}.\n")
    return 1


def prepare(directory: Path, postgres: Postgres) -> Path:
    """The data directory, whole or not at all; made on the first start, which takes half a second. Raises ServerError."""
    data, new = directory / "data", directory / "data.new"
    if data.exists():
        return data
    if not (password := os.environ.get("POSTGRES_PASSWORD")):
        raise ServerError("POSTGRES_PASSWORD is not set: the administrator has its password from the environment.")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.rmtree(new, ignore_errors=True)  # of a first start that was killed
    new.mkdir(mode=0o700)
    secret = directory / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    for path in (new, secret) if os.geteuid() == 0 else ():
        shutil.chown(path, _NOBODY)
    # Not synced: a machine that loses power now makes it again.
    make = [str(postgres.programs / "initdb"), "-D", str(new), "-U", ADMINISTRATOR, f"--pwfile={secret}", "--no-sync"]
    make += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    try:
        done = subprocess.run(
            [*_unprivileged(), *make], env=_environment(postgres), capture_output=True, text=True, check=False
        )
    finally:
        secret.unlink()
    if done.returncode:
        raise ServerError(f"initdb failed:\n{done.stdout}{done.stderr}")
    return new.rename(data)


def _unprivileged() -> list[str]:
    """The command before the command: as an ordinary user, and gone as soon as whoever started it is."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    root = os.geteuid() == 0
    if not setpriv:
        if root:
            raise ServerError("PostgreSQL does not run as root, and setpriv is not here: run the lab as another user.")
        return []
    command = [setpriv, "--pdeathsig", "QUIT"]  # the signal to stop at once and to clean up all the same
    if root:
        nobody = pwd.getpwnam(_NOBODY)
        command += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--no-new-privs"]
        if capability := _passes_folders():
            # Its program and its data may lie in a folder of root's, such as /root.
            command += [f"--inh-caps=-all,+{capability}", f"--ambient-caps=-all,+{capability}"]
    return command


def _passes_folders() -> str:
    """The weakest capability that we have and that opens the way through others' folders."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapPrm:")]
    ours = int(line.split()[1], 16)
    return "dac_read_search" if ours >> _READ_SEARCH & 1 else "dac_override" if ours >> _OVERRIDE & 1 else ""


def _environment(postgres: Postgres) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, **postgres.environment, "LC_ALL": "C", "TZ": "GMT"}


if __name__ == "__main__":
    sys.exit(main())
