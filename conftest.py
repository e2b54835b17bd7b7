"""Doctests are looked for in every module of kam that can be imported here."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("pyspark") else ["kam/ledger/spark.py"]
