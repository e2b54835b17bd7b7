"""Something happens at one point of a run: KAM_FAULT names it, KAM_FAULT_CODE is what happens. Imported for that alone."""

import os
import signal
import time
from importlib import import_module


def install() -> None:
    """``KAM_FAULT=kam.report.publish:write_index:before``: the function where it is looked up, and when."""
    module, name, moment = os.environ["KAM_FAULT"].split(":")
    place = import_module(module)
    original, code = getattr(place, name), os.environ["KAM_FAULT_CODE"]
    names = {"os": os, "signal": signal, "time": time, "left": int(os.environ.get("KAM_FAULT_CALL", "1"))}

    def faulty(*arguments: object, **options: object) -> object:
        if moment == "after":
            result = original(*arguments, **options)
        names["left"] -= 1
        if names["left"] == 0:
            exec(code, names)
        return result if moment == "after" else original(*arguments, **options)

    setattr(place, name, faulty)


if os.environ.get("KAM_FAULT"):
    install()
