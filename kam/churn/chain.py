"""What follows from a Markov chain: survival, time to loss, where it ends, what it is worth. Arrays in, arrays out.

A chain is an array ``p`` of shape (..., C, S, S): C matrices that follow one another in a cycle, one per season; a chain that
is the same in all periods has C = 1. ``p[..., c, i, j]`` is the probability that a customer who is in state i in a period of
season c is in state j in the next. Leading axes are draws. What comes out for "state i, season c" is for who is there now.

References: Kemeny & Snell (1976), Finite Markov Chains, chapters III and IV; Pfeifer & Carraway (2000), Modeling customer
relationships as Markov chains, Journal of Interactive Marketing 14.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kam.errors import ModelError, NoAbsorbingStateError, ParameterError

Floats = npt.NDArray[np.float64]


def as_cycle(p: npt.ArrayLike) -> Floats:
    """Give a matrix (S, S) its season axis; raise unless every row is a distribution.

    Raises
    ------
    ParameterError
        The array is not (..., S, S), or a row has a negative or missing number or does not sum to 1.
    """
    array = np.asarray(p, dtype=np.float64)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise ParameterError(f"The transition matrix has the shape {array.shape}.", hint="Give a square matrix.")
    if (
        not np.isfinite(array).all()
        or (array < -1e-12).any()
        or not np.allclose(array.sum(axis=-1), 1, rtol=0, atol=1e-9)
    ):
        bad = np.argwhere(~(np.isclose(array.sum(axis=-1), 1, rtol=0, atol=1e-9) & (array >= -1e-12).all(axis=-1)))[0]
        raise ParameterError(
            "A row of the transition matrix is no distribution.",
            where=f"row {tuple(int(i) for i in bad)}, counted from 0",
            hint="Probabilities are between 0 and 1 and sum to 1 over the states to go to.",
        )
    return array[None] if array.ndim == 2 else array


def n_step(p: Floats, n: int, *, season: int = 0) -> Floats:
    """Probability of each state n periods from now, shape (..., S, S), begun in a season."""
    n_seasons = p.shape[-3]
    result = np.broadcast_to(np.eye(p.shape[-1]), p[..., 0, :, :].shape)
    for t in range(n):
        result = result @ p[..., (season + t) % n_seasons, :, :]
    return np.array(result)


def survival(p: Floats, lost: int, n: int, *, season: int = 0) -> Floats:
    """Probability that a customer has not been lost in the first 0, 1, …, n periods.

    Parameters
    ----------
    p : numpy.ndarray
        Shape (..., C, S, S). Returns from the lost state do not matter: a customer is lost once.
    lost : int
        Index of the lost state.
    n : int
        Number of periods.
    season : int
        Season of the period now.

    Returns
    -------
    numpy.ndarray
        Shape (..., n + 1, S), by state now; 0 in the lost state.
    """
    alive = np.arange(p.shape[-1]) != lost
    kept = p * alive
    n_seasons = p.shape[-3]
    curve = np.empty((*p.shape[:-3], n + 1, p.shape[-1]))
    states = np.broadcast_to(np.eye(p.shape[-1]) * alive, p[..., 0, :, :].shape)
    for t in range(n + 1):
        curve[..., t, :] = states.sum(axis=-1)
        states = states @ kept[..., (season + t) % n_seasons, :, :]
    return curve


def can_reach(p: Floats, target: int) -> npt.NDArray[np.bool_]:
    """Which states can reach the target from every season in every draw; shape (S,)."""
    draws = p.reshape(-1, *p.shape[-3:])
    return np.asarray(_leading(draws > 0, _at(draws, target)).all(axis=(0, 1)))


def periods_to_loss(p: Floats, lost: int) -> Floats:
    """Expected number of periods until a customer is lost, shape (..., C, S); 0 in the lost state.

    First passage: what happens after a loss does not matter. h_c = 1 + Q_c h_{c+1}, with Q the matrix without the lost state
    (Kemeny & Snell, theorem 3.3.5, where h = N 1).

    Raises
    ------
    NoAbsorbingStateError
        From some state a loss is impossible: the expected time is infinite.
    """
    return _solve_cycle(_without(p, lost), _ones(p, lost), what="The expected time to loss is infinite.")


def loss_times(p: Floats, lost: int) -> Floats:
    """The same for many draws (B, C, S, S), shape (B, C, S): infinite where a draw may never lead to a loss."""
    edges = p > 0
    edges[:, :, lost] = False
    never = _leading(edges, ~_leading(p > 0, _at(p, lost)))  # … or leads to where no loss is possible
    to_lost = np.where(never[..., None], np.eye(p.shape[-1])[lost], p)
    return np.where(never, np.inf, periods_to_loss(to_lost, lost))


def fundamental_matrix(p: Floats, lost: int) -> Floats:
    """Expected periods spent in each state before the loss, N = (I − Q)^{-1}, shape (..., S, S), for a chain of one season.

    Row and column of the lost state are 0 (Kemeny & Snell, definition 3.2.1).

    Raises
    ------
    NoAbsorbingStateError
        From some state a loss is impossible.
    ModelError
        The chain has seasons.
    """
    if p.shape[-3] != 1:
        raise ModelError("A chain with seasons has no single fundamental matrix.", hint="Use periods_to_loss.")
    q = _without(p, lost)[..., 0, :, :]
    n = _inverse(np.eye(p.shape[-1]) - q, "The expected time to loss is infinite.")
    alive = np.arange(p.shape[-1]) != lost
    return np.asarray(n * alive[:, None] * alive)


def absorption_probabilities(p: npt.ArrayLike, absorbing: list[int]) -> Floats:
    """Probability of ending in each absorbing state, B = N R, shape (S, len(absorbing)), for a matrix (S, S).

    Raises
    ------
    NoAbsorbingStateError
        None is given, one of them is left, or from some state none can be reached.
    """
    matrix = as_cycle(p)[..., 0, :, :]
    if not absorbing:
        raise NoAbsorbingStateError("No state is absorbing.", hint="Declare which state is the end.")
    if not np.allclose(matrix[..., absorbing, :], np.eye(matrix.shape[-1])[absorbing]):
        raise NoAbsorbingStateError("A state that is declared absorbing is left.", hint="Cut returns first.")
    transient = np.setdiff1d(np.arange(matrix.shape[-1]), absorbing)
    result = np.zeros((*matrix.shape[:-1], len(absorbing)))
    result[..., absorbing, :] = np.eye(len(absorbing))
    q = matrix[..., transient[:, None], transient]
    what = "From some state no absorbing state can be reached."
    draws = matrix.reshape(-1, 1, *matrix.shape[-2:])
    reached = _leading(draws > 0, _at(draws, absorbing)).all(axis=(0, 1))
    if not reached.all():
        raise NoAbsorbingStateError(what, where=f"states {np.flatnonzero(~reached).tolist()}, counted from 0")
    inverse = _inverse(np.eye(len(transient)) - q, what)
    result[..., transient, :] = inverse @ matrix[..., transient[:, None], absorbing]
    return result


def stationary_distribution(p: npt.ArrayLike) -> Floats:
    """Long-run share of time in each state of an irreducible chain, π = π P, shape (..., S), for a matrix (..., S, S).

    Raises
    ------
    ModelError
        The long run depends on where a customer begins: some state cannot be reached from another.
    """
    matrix = np.asarray(p, dtype=np.float64)
    n = matrix.shape[-1]
    as_cycle(matrix.reshape(-1, n, n))
    if not all(can_reach(matrix.reshape(-1, 1, n, n), state).all() for state in range(n)):
        raise ModelError(
            "There is no single stationary distribution: some states cannot be reached from others.",
            hint="With an absorbing state look at survival and the expected time to loss.",
        )
    a = np.swapaxes(matrix, -1, -2) - np.eye(n)
    a[..., -1, :] = 1
    b = np.zeros((*matrix.shape[:-2], n, 1))
    b[..., -1, 0] = 1
    return np.asarray(np.linalg.solve(a, b)[..., 0])


def half_life(curve: Floats) -> Floats:
    """Periods until half are lost, from a survival curve (..., n + 1): interpolated; infinite if not within the curve."""
    below = curve <= 0.5
    first = below.argmax(axis=-1)
    before = np.maximum(first - 1, 0)[..., None]
    high = np.take_along_axis(curve, before, -1)[..., 0]
    low = np.take_along_axis(curve, first[..., None], -1)[..., 0]
    step = np.divide(high - 0.5, high - low, out=np.zeros_like(high), where=high > low)
    return np.where(below.any(axis=-1), np.where(first == 0, 0.0, first - 1 + step), np.inf)


def discounted_value(p: Floats, rewards: Floats, discount: float, *, horizon: int | None) -> Floats:
    """Expected discounted rewards from now on, V = Σ_{t=0..horizon} [P/(1+d)]^t R (Pfeifer & Carraway 2000, equations 8 and 9).

    Parameters
    ----------
    p : numpy.ndarray
        Shape (..., C, S, S).
    rewards : numpy.ndarray
        Money per period in each state, shape (..., C, S) or (S,).
    discount : float
        Rate **per period**, at least 0.
    horizon : int or None
        Periods after this one; None: without end.

    Returns
    -------
    numpy.ndarray
        Shape (..., C, S); the reward of this period (t = 0) is in it.

    Raises
    ------
    ParameterError
        The rate is negative, the horizon is negative, the rewards do not fit, or without end and with rate 0 money never stops.

    Examples
    --------
    >>> p = as_cycle([[.3, .7, 0, 0, 0], [.2, 0, .8, 0, 0], [.15, 0, 0, .85, 0], [.05, 0, 0, 0, .95], [0, 0, 0, 0, 1]])
    >>> discounted_value(p, np.array([36., -4, -4, -4, 0]), .2, horizon=4).round(3)[0].tolist()
    [50.115, 4.22, 0.592, -1.98, 0.0]
    """
    if not (np.isfinite(discount) and discount >= 0):
        raise ParameterError(f"The discount rate is {discount}.", hint="Give a rate of 0 or more, such as 0.08.")
    if horizon is not None and horizon < 0:
        raise ParameterError(f"The horizon is {horizon}.", hint="Give the number of periods, 0 or more, or None.")
    if np.shape(rewards)[-1:] != p.shape[-1:]:
        raise ParameterError(
            f"There are {np.size(rewards)} rewards for {p.shape[-1]} states.", hint="Give one reward per state."
        )
    try:
        r = np.broadcast_to(rewards, p.shape[:-1])
    except ValueError as error:
        raise ParameterError(
            f"The rewards have the shape {np.shape(rewards)}, the chain has {p.shape[:-1]}.",
            hint="Give one reward per state, or one per season and state.",
        ) from error
    step = p / (1 + discount)
    if horizon is None:
        if discount == 0:
            return _undiscounted(p, r)
        return _solve_cycle(step, r, what="The value has no limit.")
    value = np.array(r)
    for _ in range(horizon):
        value = r + _step(step, value)
    return value


# -- inside ----------------------------------------------------------------------------------------------------------


def _at(p: Floats, states: int | list[int]) -> npt.NDArray[np.bool_]:
    """True for some states, in every season and draw: shape (B, C, S)."""
    marked = np.zeros(p.shape[:-1], dtype=bool)
    marked[..., states] = True
    return marked


def _leading(edges: npt.NDArray[np.bool_], targets: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """From which season and state some path over edges (B, C, S, S) leads to a target (B, C, S), the targets included."""
    while True:
        wider = targets | (edges & np.roll(targets, -1, axis=1)[:, :, None, :]).any(axis=-1)
        if (wider == targets).all():
            return targets
        targets = wider


def _step(p: Floats, following: Floats) -> Floats:
    """Expectation over the next state, of what is said for the next season."""
    return np.asarray((p @ np.roll(following, -1, axis=-2)[..., None])[..., 0])


def _without(p: Floats, lost: int) -> Floats:
    alive = np.arange(p.shape[-1]) != lost
    reached = can_reach(p, lost)
    if not reached.all():
        raise NoAbsorbingStateError(
            "From some state a loss is impossible: the expected time to loss is infinite.",
            where=f"states {np.flatnonzero(~reached).tolist()}, counted from 0",
            hint="Join these states with others, or give a prior.",
        )
    return p * alive[:, None] * alive


def _ones(p: Floats, lost: int) -> Floats:
    return np.broadcast_to((np.arange(p.shape[-1]) != lost).astype(float), p.shape[:-1])


def _solve_cycle(step: Floats, start: Floats, *, what: str) -> Floats:
    """Solve x_c = start_c + step_c x_{c+1} for all seasons: first for season 0 over a whole cycle, then backwards."""
    n_seasons = step.shape[-3]
    total, product = np.zeros(start.shape[:-2] + start.shape[-1:]), np.eye(step.shape[-1])
    for c in range(n_seasons):
        total = total + (product @ start[..., c, :, None])[..., 0]
        product = product @ step[..., c, :, :]
    x = np.empty(start.shape)
    following = (_inverse(np.eye(step.shape[-1]) - product, what) @ total[..., None])[..., 0]
    x[..., 0, :] = following
    for c in range(n_seasons - 1, 0, -1):
        following = start[..., c, :] + (step[..., c, :, :] @ following[..., None])[..., 0]
        x[..., c, :] = following
    return x


def _inverse(matrix: Floats, what: str) -> Floats:
    try:
        inverse: Floats = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise NoAbsorbingStateError(what, hint="Look for states that are never left.") from error
    if not np.isfinite(inverse).all():
        raise NoAbsorbingStateError(what, hint="Look for states that are never left.")
    return inverse


def _undiscounted(p: Floats, r: Floats) -> Floats:
    """Without discount the sum has a limit only if customers end where no money flows."""
    ends = [s for s in range(p.shape[-1]) if np.allclose(p[..., s, s], 1) and np.allclose(r[..., s], 0)]
    if len(ends) != 1 or not can_reach(p, ends[0]).all():
        raise ParameterError(
            "Without discount and without end the value has no limit.",
            hint="Give a discount rate above 0, a horizon, or cut returns so that customers end in a state without money.",
        )
    return _solve_cycle(_without(p, ends[0]), r * _ones(p, ends[0]), what="The value has no limit.")
