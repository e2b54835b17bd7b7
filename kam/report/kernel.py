"""The kernel of a run: this interpreter's own, forked where it can be, reached through files, in an empty folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Int, Unicode, default

from kam.report.scratch import PREFIX, scratch_folder

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
        environment = {**fixed_environment(), "IPYTHONDIR": str(Path(self.folder, "ipython"))}
        return KernelSpec(argv=argv, name="python3", display_name="Python 3", language="python", env=environment)

    async def _start_in_folder(self, **options: Any) -> None:
        work = Path(self.folder, "work")
        work.mkdir()
        if kernel := ForkedKernel.waiting:
            ForkedKernel.waiting = None
            self.provisioner = ForkedProvisioner(kernel, parent=self)
            self.provisioner.kernel_id, self.provisioner.kernel_spec = self.kernel_id, self.kernel_spec
        with open(Path(self.folder, "kernel.log"), "wb") as log:
            await super().start_kernel(**{**options, "cwd": str(work), "stdout": log, "stderr": log})
        pid = getattr(self.provisioner, "pid", None)
        if self.memory_bytes and pid and sys.platform == "linux":
            import resource

            resource.prlimit(pid, resource.RLIMIT_DATA, (self.memory_bytes, self.memory_bytes))

    start_kernel: Callable[..., Awaitable[None]] = _start_in_folder


class ForkedKernel:
    """A process that was forked while this one was still single-threaded, and waits to become the kernel.

    It begins with everything that this process had imported. Behaves like a :class:`subprocess.Popen`, as provisioners expect.
    """

    waiting: ClassVar[ForkedKernel | None] = None
    """The one that the next kernel of this process will be."""

    stdin = stdout = stderr = None

    def __init__(self, *unwanted: Connection) -> None:
        """Fork.

        Parameters
        ----------
        *unwanted : multiprocessing.connection.Connection
            What the kernel must not keep open.
        """
        context = multiprocessing.get_context("fork")
        theirs, self._connection = context.Pipe(duplex=False)
        arguments = (os.getpid(), theirs, self._connection, *unwanted)
        self._process = context.Process(target=_become_kernel, args=arguments)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._process.pid or 0)

    def launch(self, argv: list[str], cwd: str, env: dict[str, str], log: str) -> None:
        """Let it become the kernel, with these arguments, in this folder and environment, its output in this file."""
        self._connection.send((argv, cwd, env, log))
        self._connection.close()

    def poll(self) -> int | None:
        """Its exit status, or None while it lives."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end."""
        self._process.join(timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


class ForkedProvisioner(LocalProvisioner):
    """Brings a kernel up in a process that waits for it: Jupyter's place for other ways to start one."""

    def __init__(self, kernel: ForkedKernel, **options: Any) -> None:
        super().__init__(**options)
        self._kernel = kernel

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Hand the command's arguments to the process."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self._kernel.launch(arguments, options["cwd"], options["env"], options["stdout"].name)
        self.process = cast("Any", self._kernel)  # it behaves like a Popen
        self.pid = self.pgid = self._kernel.pid
        return self.connection_info


def _become_kernel(parent: int, connection: Connection, *unwanted: Connection) -> None:
    """Wait for the arguments of a kernel, then be it; end if none come."""
    _end_with(parent)
    for other in unwanted:
        other.close()
    os.setsid()  # signals to the kernel and to what it starts
    try:
        argv, cwd, env, log = connection.recv()
    except (EOFError, OSError):
        return
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    # read from the environment when its class was made, which was long ago: without it a kernel outlives its parent
    sys.argv = ["ipykernel_launcher", *argv, f"--IPKernelApp.parent_handle={parent}"]
    sys.path[:] = ["", *(path for path in sys.path if path)]
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def fixed_environment() -> dict[str, str]:
    """What is set for every kernel: the same hashes each time, and linear algebra on one core, unless the user says otherwise.

    Cores that wait for one another make matrices of this size many times slower once notebooks run side by side.
    """
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **{name: os.environ.get(name, "1") for name in threads},
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONHASHSEED": "0",
    }


def _end_with(parent: int) -> None:
    """Let the system kill this process when its parent ends, even if it is busy in C and never looks."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it ended before
        os._exit(1)


@contextmanager
def kernel_folder() -> Iterator[str]:
    """A new folder for a kernel, removed at the end; its path is short enough for sockets."""
    usual = f"{tempfile.gettempdir()}/{PREFIX}12345678/kernel-ipc-5"
    with scratch_folder("/tmp" if len(usual) > _LONGEST_SOCKET and Path("/tmp").is_dir() else None) as folder:
        yield folder
