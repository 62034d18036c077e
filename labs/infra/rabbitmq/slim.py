"""A view of an installed RabbitMQ, made of links, that holds only the applications a node runs. Erlang looks for each
module in every application's folder: with all that come with RabbitMQ a boot asks 29,000 times for files that are not
there and takes 7.3 s, with these it takes 2.8 s (Debian's RabbitMQ 3.10, 2 cores)."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

_ALWAYS = {"rabbit", "rabbitmq_prelaunch"}


def slim_installation(view: Path, scripts: Path, enabled_plugins: str) -> Path:
    """Makes the folder `view` anew for the plugins that the text of an enabled_plugins file names, and returns its
    folder of scripts. Where the applications are packed in a way not known here, all of them are in it."""
    shutil.rmtree(view, ignore_errors=True)
    (view / "sbin").mkdir(parents=True)
    (view / "plugins").mkdir()
    scripts = scripts.resolve()
    for script in scripts.iterdir():
        (view / "sbin" / script.name).symlink_to(script)
    entries = {_application(entry): entry for entry in (scripts.parent / "plugins").iterdir()}
    needs = {name: _needs(entry, name) for name, entry in entries.items() if entry.is_dir()}
    known = needs.keys() >= _ALWAYS
    wanted = needed(_ALWAYS | set(re.findall(r"\w+", enabled_plugins)), needs)
    for name, entry in entries.items():
        if name in wanted or not known:
            (view / "plugins" / entry.name).symlink_to(entry)
    if (scripts.parent / "escript").is_dir():
        (view / "escript").symlink_to(scripts.parent / "escript")
    return view / "sbin"


def needed(applications: set[str], needs: Mapping[str, set[str]]) -> set[str]:
    """`applications` and all that these need in turn, as far as they are in `needs`; the others are Erlang's own."""
    found: set[str] = set()
    waiting = list(applications)
    while waiting:
        name = waiting.pop()
        if name not in found and name in needs:
            found.add(name)
            waiting += needs[name]
    return found


def _application(entry: Path) -> str:
    return re.sub(r"-[\d.]+.*$", "", entry.name)


def _needs(entry: Path, name: str) -> set[str]:
    description = entry / "ebin" / f"{name}.app"
    if not description.exists():
        return set()
    lists = re.findall(r"\{(?:included_|optional_)?applications,\s*\[([^\]]*)\]", description.read_text())
    return set(re.findall(r"\w+", " ".join(lists)))
