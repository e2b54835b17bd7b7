"""Exact money for Parquet: whole numbers of 10⁻⁴ as DECIMAL(18,4), without a detour by Python objects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kam.samples.months import Ints

MONEY_TYPE = pa.decimal128(18, 4)


def decimals_of(values: Ints) -> pa.Array:
    """Whole numbers of 10⁻⁴ as decimals.

    >>> decimals_of(np.array([12_3456, -5_0000])).to_pylist()
    [Decimal('12.3456'), Decimal('-5.0000')]
    """
    words = np.empty((len(values), 2), dtype="<i8")  # 128 bits, the lower word first, two's complement
    words[:, 0] = values
    words[:, 1] = values >> 63
    return pa.Array.from_buffers(MONEY_TYPE, len(values), [None, pa.py_buffer(words)])
