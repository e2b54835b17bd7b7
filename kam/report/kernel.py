"""The kernel of a run: this interpreter's own, reached through files, in an empty folder."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Int, Unicode, default

_LONGEST_SOCKET = 100  # Linux and macOS cut the path of a socket at 107 and 103 characters


class RunKernelManager(AsyncKernelManager):
    """Starts the kernel of one run.

    It runs this very interpreter, whatever kernels are installed elsewhere; its sockets are files in ``folder`` and not TCP
    ports, which kernels started side by side take from one another; it works in an empty folder, so that nothing that lies
    about is imported and nothing is left behind; and it reads no profile of the user's.

    Attributes
    ----------
    folder : str
        A folder of this kernel's own, with a short path; ``kernel.log`` there takes what the process itself prints.
    memory_bytes : int
        Limit of its memory, on Linux; 0 means none. What asks for more gets a ``MemoryError``.
    """

    folder = Unicode(config=True)
    memory_bytes = Int(0, config=True)

    @default("transport")
    def _transport_default(self) -> str:
        return "tcp" if sys.platform == "win32" else "ipc"

    @default("connection_file")
    def _connection_file_default(self) -> str:
        return str(Path(self.folder, "kernel.json"))

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter's kernel."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
        environment = {
            **_one_core(),
            "IPYTHONDIR": str(Path(self.folder, "ipython")),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PYTHONHASHSEED": "0",
        }
        return KernelSpec(argv=argv, name="python3", display_name="Python 3", language="python", env=environment)

    async def _start_in_folder(self, **options: Any) -> None:
        work = Path(self.folder, "work")
        work.mkdir()
        with open(Path(self.folder, "kernel.log"), "wb") as log:
            await super().start_kernel(**{**options, "cwd": str(work), "stdout": log, "stderr": log})
        pid = getattr(self.provisioner, "pid", None)
        if self.memory_bytes and pid and sys.platform == "linux":
            import resource

            resource.prlimit(pid, resource.RLIMIT_DATA, (self.memory_bytes, self.memory_bytes))

    start_kernel: Callable[..., Awaitable[None]] = _start_in_folder


def _one_core() -> dict[str, str]:
    """Linear algebra on one core, unless the user says otherwise: cores that wait for one another make matrices of this size
    many times slower once notebooks run side by side.
    """
    return {name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def kernel_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder for a kernel, removed when closed; its path is short enough for sockets."""
    folder = tempfile.TemporaryDirectory(prefix="kam-", ignore_cleanup_errors=True)
    if len(folder.name) + len("/kernel-ipc-5") > _LONGEST_SOCKET and Path("/tmp").is_dir():
        folder.cleanup()
        folder = tempfile.TemporaryDirectory(prefix="kam-", dir="/tmp", ignore_cleanup_errors=True)
    return folder
