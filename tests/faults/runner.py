"""The command ``kam`` with a fault in it (tests/faults/hook.py): in this process and in those that run notebooks."""

import multiprocessing
import os
from importlib import import_module

if __name__ == "__main__":
    os.environ["KAM_FAULT_RUNNER"] = str(os.getpid())
    preload = multiprocessing.set_forkserver_preload
    multiprocessing.set_forkserver_preload = lambda names: preload(["tests.faults.light", "tests.faults.hook"])

    import_module("tests.faults.hook")
    from kam.cli import main

    main()
