"""Executes a notebook in place and stores its outputs, so that the same outputs make the same bytes.

The kernel is this interpreter's own, whatever kernels the machine has registered, and it inherits the environment
(LAB_HOME with it).
"""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from labs.classroom.author.release import read, save, tidied

CELL_SECONDS = 180
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NotebookFailed(RuntimeError):
    """A cell failed; the message names notebook and cell and shows the last lines."""


class _ThisInterpreter(KernelSpecManager):
    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 (the interface has it)
        spec: dict[str, Any] = ipykernel.kernelspec.get_kernel_dict()
        return KernelSpec(resource_dir=ipykernel.kernelspec.RESOURCES, **spec)


def execute(path: Path, environment: Mapping[str, str] | None = None, cell_seconds: int = CELL_SECONDS) -> Path:
    """Runs every cell of the notebook at `path` and stores the outputs there; on failure the file stays as it was.

    `environment` is added to this process's own for the kernel. A cell that takes longer than `cell_seconds` fails.
    Raises NotebookFailed.
    """
    notebook = tidied(read(path))
    save(executed(notebook, path, environment, cell_seconds), path)
    return path


def executed(
    notebook: NotebookNode, path: Path, environment: Mapping[str, str] | None = None, cell_seconds: int = CELL_SECONDS
) -> NotebookNode:
    """`notebook` with the outputs of a run in the folder of `path`, which is otherwise only its name."""
    at = [0]
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisInterpreter()),
        resources={"metadata": {"path": str(path.parent)}},
        timeout=cell_seconds,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        on_cell_start=lambda cell, cell_index: at.__setitem__(0, cell_index),  # noqa: ARG005 (called by these names)
    )
    with tempfile.TemporaryFile("w+", errors="replace") as last_words:
        try:
            client.execute(cleanup_kc=True, env={**os.environ, **(environment or {})}, stderr=last_words)
        except CellTimeoutError:
            why = (
                f"It took longer than {cell_seconds} s: it waits for something that does not come, or needs more time."
            )
            raise _failure(notebook, path, at[0], why) from None
        except DeadKernelError:
            last_words.seek(0)
            why = f"{last_words.read()}\nThe kernel died while it ran: out of memory, or a crash in compiled code."
            raise _failure(notebook, path, at[0], why) from None
        except CellExecutionError as error:
            raise _failure(notebook, path, at[0], error.traceback or f"{error.ename}: {error.evalue}") from None
    return tidied(notebook)


def _failure(notebook: NotebookNode, path: Path, index: int, reason: str) -> NotebookFailed:
    cell = notebook.cells[index]
    printed = "".join(output.get("text", "") for output in cell.get("outputs", []) if output.output_type == "stream")
    shown = [
        f"{path.parent.name}/{path.name}: cell {index + 1} (id {cell.get('id', 'none')}) failed.",
        *_last_lines("it says", cell.source, 12),
        *_last_lines("it printed", printed, 10),
        *_last_lines("and then", _COLOUR.sub("", reason), 15),
        f"The stored notebook is unchanged. To see it happen, open it and run the cells down to number {index + 1}.",
    ]
    return NotebookFailed("\n".join(shown))


def _last_lines(title: str, text: str, most: int) -> list[str]:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    if not lines:
        return []
    cut = ["    ..."] if len(lines) > most else []
    return [f"  {title}:", *cut, *(f"    {line}" for line in lines[-most:])]
