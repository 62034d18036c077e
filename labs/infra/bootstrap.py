"""`make setup`: from a bare Python to a working lab. Makes .venv, installs the lock, fetches the programs that are
missing. Run as a file by whatever python3 is there, so it must parse on old ones; a second run finds everything
done."""

import os
import shutil
import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main():  # type: () -> int
    """Returns 0, or 1 with words on stderr."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return change_python()
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    sys.path[0] = root  # instead of this file's own folder
    from labs.infra.setup import setup

    return setup()


def change_python():  # type: () -> int
    """Goes on with a Python that fits, if there is one; else says how to get it."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.{0}".format(minor))  # noqa: UP032, UP030
        if found:
            os.execv(found, [found] + sys.argv)  # noqa: RUF005
    sys.stderr.write(
        "This is Python {0}.{1}; the lab needs {2}.{3} to {4}.{5}, and none is on your PATH.\n".format(  # noqa: UP032, UP030
            sys.version_info[0], sys.version_info[1], OLDEST[0], OLDEST[1], NEWEST[0], NEWEST[1]
        )
    )
    sys.stderr.write("Get one:  " + remedy() + "\nThen:     make setup\n")
    return 1


def remedy():  # type: () -> str
    """The one command that brings a Python that fits to this system."""
    if shutil.which("conda"):
        return "conda create -n lab python=3.13 && conda activate lab"
    if shutil.which("brew"):
        return "brew install python@3.13"
    if shutil.which("uv"):
        return "uv python install 3.13"
    if shutil.which("apt-get"):
        return "sudo apt-get install python3.11   (if your release has none: install uv, then `uv python install 3.13`)"
    return "install Python 3.13 from your system's packages or from python.org"


if __name__ == "__main__":
    sys.exit(main())
