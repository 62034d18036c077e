"""A warmed-up Python from which service processes are forked: what costs a second to import is imported once.

Run by the guard as a plain file, `python -P warm.py plain|green`, never imported. It loads third-party modules only, so that
each child imports the shop's code, or a learner's copy of it, afresh. Requests come as JSON lines on stdin: argv (after
`python`), env, cwd, log. Answers go to stdout: {"pid": …} and {"exit": pid, "code": …}. At the end of stdin every child's
group is killed. `green` children start with eventlet's patched standard library, as workers do."""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import signal
import sys
import traceback

import setproctitle

COMMON = (
    "sqlalchemy.orm",
    "sqlalchemy.dialects.sqlite",
    "pydantic_settings",
    "structlog",
    "ecs_logging",
    "flask",
    "requests",
    "prometheus_client",
    "opentelemetry.sdk.trace",
    "opentelemetry.instrumentation.requests",
)
MODULES = {
    "plain": (
        *COMMON,
        "apiflask",
        "gunicorn.app.wsgiapp",
        "gunicorn.workers.gthread",
        "alembic.command",
        "aiosmtpd.controller",
        "jwt",
        "pybreaker",
    ),
    "green": (
        *COMMON,
        "kombu.transport.pyamqp",
        "nameko.runners",
        "nameko.rpc",
        "nameko.events",
        "nameko.timer",
        "eventlet.wsgi",
    ),
}
PR_SET_PDEATHSIG = 1
_read, _write, _select, _waitpid = os.read, os.write, select.select, os.waitpid  # before eventlet replaces them


def die_with_parent() -> None:
    """On Linux the kernel kills this process when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def lead_group(pid: int) -> None:
    """Give a fork a process group of its own. Parent and child both do it, so that neither has to wait for the other."""
    with contextlib.suppress(PermissionError, ProcessLookupError):  # the other one did, or it has ended already
        os.setpgid(pid, pid)


def main(kind: str) -> None:
    """Serve requests; in a forked child, become what was asked for and return when that ends."""
    die_with_parent()
    if kind == "green":
        import eventlet

        eventlet.monkey_patch()
    for name in MODULES[kind]:
        importlib.import_module(name)
    if kind == "green":
        eventlet.hubs.use_hub()  # else all forks wait at one epoll, and what wakes one of them wakes every other
    gc.collect()
    gc.freeze()  # shared pages stay shared: the collector does not touch what was there before the fork
    waker_read, waker_write = os.pipe()
    os.set_blocking(waker_read, False)
    os.set_blocking(waker_write, False)
    signal.set_wakeup_fd(waker_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children: set[int] = set()
    tell(ready=True)
    buffer = b""
    while True:
        readable, _, _ = _select([0, waker_read], [], [])
        if waker_read in readable:
            with contextlib.suppress(BlockingIOError):
                _read(waker_read, 4096)
            reap(children)
        if 0 in readable:
            received = _read(0, 65536)
            if not received:
                break
            *lines, buffer = (buffer + received).split(b"\n")
            for line in lines:
                request = json.loads(line)
                parent = os.getpid()
                if (pid := os.fork()) == 0:
                    signal.set_wakeup_fd(-1)
                    for fd in (waker_read, waker_write):
                        os.close(fd)
                    become(request, parent)
                    return
                lead_group(pid)
                children.add(pid)
                tell(pid=pid)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def tell(**message: object) -> None:
    """One answer to the guard."""
    _write(1, json.dumps(message).encode() + b"\n")


def reap(children: set[int]) -> None:
    """Report those that ended; a negative code is the signal that ended them."""
    for pid in list(children):
        done, status = _waitpid(pid, os.WNOHANG)
        if done:
            children.discard(pid)
            tell(exit=pid, code=os.waitstatus_to_exitcode(status))


def become(request: dict, parent: int) -> None:  # type: ignore[type-arg]  # whatever JSON holds
    """Turn this fork into `python <argv>`, as if it had been started so: own group, own log, environment, directory."""
    lead_group(os.getpid())
    die_with_parent()
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for fd, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(fd, target)
    os.close(null)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:0] = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper since start-up
    dash_m, module, *arguments = request["argv"]
    if dash_m != "-m":
        raise SystemExit(f"only `python -m module` can be forked, not {request['argv']}")
    sys.argv = [module, *arguments]
    setproctitle.setproctitle(shlex.join(["python", *request["argv"]]))
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except Exception as error:  # noqa: BLE001  said as the interpreter would, without this file's frames
        frames = error.__traceback__
        while frames and frames.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
            frames = frames.tb_next
        traceback.print_exception(error.with_traceback(frames))
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(sys.argv[1])
