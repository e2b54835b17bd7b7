"""Statistics that several analyses share."""

from __future__ import annotations

from kam.stats.resampling import bootstrap_weights, percentile_interval

__all__ = ["bootstrap_weights", "percentile_interval"]
