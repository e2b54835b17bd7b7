"""Figure of the transition matrix: where customers of each state are one period later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from kam.plots import style
from kam.plots.fonts import one_line, set_fonts
from kam.plots.labels import LABEL_POINTS, NAME_WIDTH, fit_lines, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.markov import MarkovChurnResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BASES = (100, 1000, 10_000)


def plot_transitions(result: MarkovChurnResult, *, ax: Axes | None = None) -> Axes:
    """Where customers are one period later, by the state that they are in: probability, and transitions counted.

    Parameters
    ----------
    result : MarkovChurnResult
        From :func:`kam.churn.markov.fit_markov_churn`; ``transitions`` is drawn, the matrix of all periods together. Where the
        chain in use is another (a matrix per season, or returns of lost customers cut), the label below says so.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per state that is left and one column per state that is entered, in the order of ``states``, shaded by the
        probability; a dash where no transition was seen; framed: the loss.
    """
    say = result.context.wording
    names, freq = result.names, say.text(result.freq)
    p, count = _matrices(result)
    notes = _differences(result)
    with style.applied():
        own = ax is None
        ax = style.take_axes(ax, height=2.6 + 0.62 * len(names) + 0.2 * len(notes))
        short = style.short_money(
            say, float(count.sum(axis=1).max())
        )  # 12,345 or 123K: what it says of money without currency
        font = FontProperties(size=style.SMALL)
        style.draw_cells(
            ax,
            p,
            [[share_text(p[i, j], say) if n else "" for j, n in enumerate(row)] for i, row in enumerate(count)],
            [[short(n) for n in row] for row in count],
            rows=[
                "\n".join(fit_lines(one_line(say.state(name), width=NAME_WIDTH), font, LABEL_POINTS))
                + "\n"
                + say.sentence("{n} transition" if n == 1 else "{n} transitions", n=short(n))
                for name, n in zip(names, count.sum(axis=1), strict=True)
            ],
            columns=[one_line(say.state(name), width=NAME_WIDTH) for name in names],
        )
        if result.lost:
            lost = names.index(result.lost)
            label = say.sentence("lost by the next {freq}", freq=freq)
            style.frame_cells(ax, (lost, 0), (1, len(names)), label, color=style.WARN)
            for axis in (ax.xaxis, ax.yaxis):
                axis.get_ticklabels()[lost].set(color=style.WARN, weight="bold")
        ax.set_ylabel(say.sentence("from: state in one {freq}", freq=freq))
        legend = say.sentence("in each cell: share of the customers in the row, and transitions")
        ax.set_xlabel("\n".join([say.sentence("to: state in the next {freq}", freq=freq), legend, *notes]))
        _fit_columns(ax, own=own, language=result.context.language)
        return style.finish(
            ax,
            title=_title(result, p, count),
            description=_description(result, p, count),
            context=result.context,
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _matrices(result: MarkovChurnResult) -> tuple[Floats, Ints]:
    """Probabilities and counts of all periods together, shape (S, S), in the order of the states."""
    cells = pd.MultiIndex.from_product([result.names, result.names])
    table = result.transitions.set_index(["from_state", "to_state"]).reindex(cells)
    shape = (len(result.names), len(result.names))
    return (
        table["probability"].to_numpy(dtype=float).reshape(shape),
        table["n_transitions"].to_numpy(dtype=np.int64).reshape(shape),
    )


def _differences(result: MarkovChurnResult) -> list[str]:
    """In what the chain in use is another than the matrix drawn."""
    say = result.context.wording
    notes = []
    if result.chain == "cyclic":
        notes.append(say.sentence("all seasons together; the chain in use differs by season"))
    if result.returns == "cut" and result.n_returned:
        notes.append(say.sentence("in the chain in use, lost is the end: returns do not count"))
    return notes


def _fit_columns(ax: Axes, *, own: bool, language: str) -> None:
    """Break the names below the columns into lines that fit or, where a word is too long for that, turn them upright."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=language)
    style.lay_out(figure)
    labels = ax.get_xticklabels()
    marks = [(label.get_color(), label.get_fontweight()) for label in labels]
    font = labels[0].get_fontproperties()
    room = ax.get_window_extent().width * 72 / figure.dpi / len(labels) - 6
    texts = [label.get_text() for label in labels]
    broken = [fit_lines(text, font, room, most=3) for text in texts]
    turned = any(lines[-1].endswith("…") and not text.endswith("…") for lines, text in zip(broken, texts, strict=True))
    if turned:
        broken = [fit_lines(text, font, LABEL_POINTS) for text in texts]
        if own:
            figure.set_figheight(figure.get_figheight() + 1.0)
    ax.set_xticks(ax.get_xticks(), ["\n".join(lines) for lines in broken], rotation=90 if turned else 0)
    below = ax.xaxis.label
    width = (room + 6) * len(labels)
    lines = [style.break_lines(line, below.get_fontproperties(), width) for line in below.get_text().split("\n")]
    below.set_text("\n".join(line for part in lines for line in part))
    for label, (color, weight) in zip(ax.get_xticklabels(), marks, strict=True):
        label.set(color=color, weight=weight)


def _title(result: MarkovChurnResult, p: Floats, count: Ints) -> str:
    """The states that lose least and most; without a lost state, those that keep most and least."""
    say = result.context.wording
    names = [one_line(say.state(name), width=NAME_WIDTH) for name in result.names]
    freq = say.text(result.freq)
    if not result.lost:
        seen = np.flatnonzero(count.sum(axis=1))
        stay = np.diag(p)
        high, low = seen[stay[seen].argmax()], seen[stay[seen].argmin()]
        return say.sentence(
            "Of 100 customers in {high}, {n_high} are still there in the next {freq}; of 100 in {low}, {n_low}",
            high=names[high],
            n_high=say.count(100 * stay[high]),
            freq=freq,
            low=names[low],
            n_low=say.count(100 * stay[low]),
        )
    lost = result.names.index(result.lost)
    risk = p[:, lost]
    risky = [int(i) for i in risk.argsort(kind="stable") if i != lost and count[i, lost]]
    if not risky:
        return say.sentence("No customer was seen to be lost by the next {freq}", freq=freq)
    least, most = risky[0], risky[-1]
    base = next((base for base in _BASES if base * risk[least] >= 1.5), _BASES[-1])
    if len(risky) == len(names) - 1 > 1 and round(base * risk[least]) == round(base * risk[most]):
        return say.sentence(
            "Of {base} customers in any state, {n} are lost by the next {freq}",
            base=say.count(base),
            n=say.count(base * risk[most]),
            freq=freq,
        )
    first = say.sentence(
        "Of {base} customers in {state}, {n} are lost by the next {freq}",
        base=say.count(base),
        state=names[least],
        n=say.count(base * risk[least]),
        freq=freq,
    )
    if least == most:
        return first
    return say.sentence(
        "{first}; of {base} in {state}, {n}",
        first=first,
        base=say.count(base),
        state=names[most],
        n=say.count(base * risk[most]),
    )


def _description(result: MarkovChurnResult, p: Floats, count: Ints) -> str:
    say = result.context.wording
    rows = []
    for i, name in enumerate(result.names):
        seen = say.plural(
            "{state}: {n} transition", "{state}: {n} transitions", int(count[i].sum()), state=say.state(name)
        )
        parts = [seen, say.sentence("{p} stay", p=share_text(p[i, i], say))]
        if result.lost and name != result.lost:
            lost = result.names.index(result.lost)
            parts.append(
                say.sentence(
                    "{p} are lost by the next {freq}", p=share_text(p[i, lost], say), freq=say.text(result.freq)
                )
            )
        rows.append(say.join(parts if count[i].any() else parts[:1], ","))
    text = say.sentence(
        "Table of transition probabilities, rows from and columns to. {rows}.", rows=say.join(rows, ";")
    )
    return say.join([text, *(say.close(f"{note[0].upper()}{note[1:]}") for note in _differences(result))])
