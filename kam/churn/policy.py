"""Which programme, if any, customers in each state get: what a policy is worth, the best one, the break-even of a programme."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from kam.churn.chain import discounted_value

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DO_NOTHING = -1
"""What a policy says of a state that gets no programme."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DecisionProblem:
    """Chains, money and effects of B draws, and K programmes; a policy is the programme of each state, −1 for nothing.

    Seasons are turned so that the first is the one now. Values have an axis of moments: the seasons without horizon, else the
    periods from now to the horizon; moment 0 is now.
    """

    p: Floats  # (B, C, S, S)
    r: Floats  # (B, C, S)
    effect: Floats  # (B, C, K), what is possible of the effect
    origin: Ints  # (K,) from_state
    target: Ints  # to_state
    taken: Ints  # taken_from
    cost: Floats
    discount: float  # per period
    horizon: int | None

    def value(self, policy: Ints, draws: Ints | None = None) -> Floats:
        """Value of a policy (n, S) for each of n draws (default: all), shape (n, moments, S)."""
        draws = np.arange(len(self.p)) if draws is None else draws
        p, r = self.p[draws], self.r[draws]
        for state in np.unique(self.origin):
            treated = np.flatnonzero(policy[:, state] != DO_NOTHING)
            k = policy[treated, state]
            change = self.effect[draws[treated], :, k]
            p[treated, :, state, self.target[k]] += change
            p[treated, :, state, self.taken[k]] -= change
            r[treated, :, state] -= self.cost[k, None]
        if self.horizon is None:
            return discounted_value(p, r, self.discount, horizon=None)
        value = np.zeros((len(draws), self.horizon + 2, p.shape[-1]))
        for t in range(self.horizon, -1, -1):
            season = t % p.shape[1]
            following = (p[:, season] @ value[:, t + 1, :, None])[..., 0]
            value[:, t] = r[:, season] + following / (1 + self.discount)
        return value[:, :-1]

    def gains_alone(self, nothing: Floats) -> Floats:
        """Gain now of each programme alone, per customer of its state, above the value of doing nothing; shape (B, K)."""
        gains = np.empty((len(self.p), len(self.cost)))
        for k, state in enumerate(self.origin):
            policy = np.full((len(self.p), self.p.shape[-1]), DO_NOTHING)
            policy[:, state] = k
            gains[:, k] = self.value(policy)[:, 0, state] - nothing[:, 0, state]
        return gains

    def advantage(self, value: Floats, draws: Ints, programmes: list[int]) -> Floats:
        """What programmes gain if done once, above doing nothing once, where values are known; (n, moments, len)."""
        if self.horizon is None:
            following, seasons = np.roll(value, -1, axis=1), np.arange(value.shape[1])
        else:
            following = np.concatenate([value[:, 1:], np.zeros_like(value[:, :1])], axis=1)
            seasons = np.arange(value.shape[1]) % self.p.shape[1]
        change = self.effect[draws][:, seasons][..., programmes] / (1 + self.discount)
        worth = following[..., self.target[programmes]] - following[..., self.taken[programmes]]
        return np.asarray(change * worth - self.cost[programmes])

    def best_policy(self, weights: Floats, *, least: float) -> Ints:
        """Policy iteration, one state after the other, for all draws at once; shape (B, S). Less than ``least`` is no gain."""
        n_draws, n_states = self.r.shape[0], self.r.shape[-1]
        actions = {int(s): np.flatnonzero(self.origin == s).tolist() for s in np.unique(self.origin)}
        policy = np.full((n_draws, n_states), DO_NOTHING)
        value = self.value(policy)
        rows = np.arange(n_draws)
        while rows.size:
            moved = np.zeros(n_draws, dtype=bool)
            for state, programmes in actions.items():
                switched = self._improve(policy, value, rows, state, programmes, weights, least)
                moved[switched] = True
            rows = np.flatnonzero(moved)
        return policy

    def _improve(
        self,
        policy: Ints,
        value: Floats,
        rows: Ints,
        state: int,
        programmes: list[int],
        weights: Floats,
        least: float,
    ) -> Ints:
        """Give one state its best action, the others kept, in place; returns the draws in which it changed.

        Only actions with an advantage at some moment are tried: without one a switch cannot gain (policy improvement).
        """
        now = policy[rows, state]
        advantage = np.zeros((len(rows), value.shape[1], len(programmes) + 1))  # the last: nothing
        advantage[..., :-1] = self.advantage(value[rows], rows, programmes)
        place = np.searchsorted(programmes, now)
        place[now == DO_NOTHING] = len(programmes)
        promising = (advantage - advantage[np.arange(len(rows)), :, place][..., None]).max(axis=1) > least
        worth = value[rows, 0] @ weights
        switched = np.zeros(len(rows), dtype=bool)
        for a, action in enumerate([*programmes, DO_NOTHING]):
            tried = np.flatnonzero(promising[:, a])
            if not tried.size:
                continue
            trial = policy[rows[tried]]
            trial[:, state] = action
            found = self.value(trial, rows[tried])
            found_worth = found[:, 0] @ weights
            up = found_worth > worth[tried] + least
            won = tried[up]
            worth[won], switched[won] = found_worth[up], True
            policy[rows[won], state] = action
            value[rows[won]] = found[up]
        return rows[switched]

    def break_even(self, k: int) -> float:
        """Effect at which a programme alone gains nothing at the estimates; missing if none is possible."""
        there = self.p[0, :, self.origin[k], self.target[k]]
        taken = self.p[0, :, self.origin[k], self.taken[k]]
        one = replace(self, p=self.p[:1], r=self.r[:1], effect=self.effect[:1].copy())
        policy = np.full((1, self.p.shape[-1]), DO_NOTHING)
        base = float(one.value(policy)[0, 0, self.origin[k]])
        policy[0, self.origin[k]] = k

        def gain(effect: float) -> float:
            one.effect[0, :, k] = np.clip(effect, -there, taken)
            return float(one.value(policy)[0, 0, self.origin[k]]) - base

        ends = [float(taken.max()), -float(there.max())]
        for end in ends if self.effect[0, :, k].sum() >= 0 else ends[::-1]:
            if gain(end) >= 0:
                return float(brentq(gain, 0.0, end, xtol=1e-14))
        return float("nan")
