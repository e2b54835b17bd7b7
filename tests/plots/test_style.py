import io
import os
import struct
import textwrap

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from nbclient import NotebookClient

from kam.errors import ParameterError, UndefinedMeasureError
from kam.plots import (
    describe,
    draw,
    plot_key_accounts,
    plot_largest,
    plot_lorenz,
    plot_rfm_fm,
    plot_rfm_fr,
    show,
    style,
    to_png,
)
from kam.results import Context, NotPossible


@pytest.fixture
def figures(concentrated, rfm, key_accounts):
    return {
        "lorenz": lambda: plot_lorenz(concentrated),
        "largest": lambda: plot_largest(key_accounts),
        "fm": lambda: plot_rfm_fm(rfm),
        "fr": lambda: plot_rfm_fr(rfm),
        "key accounts": lambda: plot_key_accounts(key_accounts),
    }


def _chunks(png):
    place, kinds = 8, []
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kinds.append(png[place + 4 : place + 8].decode())
        place += 12 + length
    return kinds


def test_the_same_figure_has_the_same_bytes_small_and_without_metadata(figures):
    for make in figures.values():
        png = to_png(make())
        assert png == to_png(make())
        assert len(png) < 60_000
        assert set(_chunks(png)) <= {"IHDR", "PLTE", "IDAT", "IEND", "pHYs"}


def test_a_figure_is_drawn_as_matplotlib_saves_it_and_stays_as_it_was(figures):
    for make in figures.values():
        figure, again = make().get_figure(), make().get_figure()
        figure.set_facecolor("red")
        before = figure.canvas, figure.get_dpi(), figure.get_facecolor(), tuple(figure.get_size_inches())
        pixels = np.asarray(style._drawn(figure))
        assert (figure.canvas, figure.get_dpi(), figure.get_facecolor(), tuple(figure.get_size_inches())) == before
        saved = io.BytesIO()
        with style.applied():
            again.savefig(saved, format="raw", dpi=style.DPI, facecolor="white")
        assert pixels.tobytes() == saved.getvalue()


def test_settings_of_the_user_neither_matter_nor_change(concentrated):
    usual = to_png(plot_lorenz(concentrated))
    with plt.style.context("dark_background"), mpl.rc_context({"font.size": 31, "savefig.dpi": 30, "axes.grid": True}):
        before = dict(mpl.rcParams)
        assert to_png(plot_lorenz(concentrated)) == usual
        assert dict(mpl.rcParams) == before


def test_no_text_is_cut_off(figures):
    for name, make in figures.items():
        ax = make()
        figure = ax.figure
        figure.draw_without_rendering()
        width, height = figure.bbox.width, figure.bbox.height
        for text in ax.findobj(mpl.text.Text):
            if text.get_text() and text.get_visible():
                box = text.get_window_extent()
                assert box.x0 >= 0, (name, text)
                assert box.y0 >= 0, (name, text)
                assert box.x1 <= width, (name, text)
                assert box.y1 <= height, (name, text)


def test_labels_do_not_overlap(figures):
    for name, make in figures.items():
        ax = make()
        ax.figure.draw_without_rendering()
        for labels in (ax.get_xticklabels(), ax.get_yticklabels(), [*ax.texts, ax._left_title]):
            boxes = [(text.get_text(), text.get_window_extent()) for text in labels if text.get_text()]
            for i, (one, box) in enumerate(boxes):
                for other, second in boxes[i + 1 :]:
                    assert not box.overlaps(second), (name, one, other)


def test_text_is_large_enough(figures):
    for make in figures.values():
        for text in make().findobj(mpl.text.Text):
            if text.get_text():
                assert text.get_fontsize() >= 11


def test_words_in_cells_are_readable(rfm):
    for text in plot_rfm_fm(rfm).texts:
        assert mpl.colors.to_hex(text.get_color()) in ("#ffffff", style.INK, style.SOFT)
    dark, light = style.RAMP(1.0), style.RAMP(0.0)
    assert style._readable_on(dark) == "white"
    assert style._readable_on(light) == style.INK


def test_cells_without_customers_and_below_zero():
    ax = style.take_axes(None, height=2)
    style.draw_cells(
        ax, np.array([[-3.0, 0.0, 5.0]]), [["1", "", "2"]], [["a", "b", "c"]], rows=["r"], columns=["x", "y", "z"]
    )
    assert [text.get_text() for text in ax.texts] == ["1", "a", "–", "2", "c"]
    ax = style.take_axes(None, height=2)
    style.draw_cells(ax, np.zeros((1, 1)), [["1"]], [["0"]], rows=["r"], columns=["x"])
    to_png(ax)


def test_lines_break_between_words_and_wide_characters():
    font = FontProperties(family="DejaVu Sans", size=10)
    words = style.break_lines("one two three four", font, 60)
    assert " ".join(words) == "one two three four"
    assert len(words) == 2
    wide = style.break_lines("大客户管理报告，第一部分", font, 60)
    assert "".join(wide) == "大客户管理报告，第一部分"
    assert len(wide) > 1
    assert not any(line.startswith("，") for line in wide)
    assert style.break_lines("x" * 50, font, 60) == ["x" * 50]


def test_a_title_that_fills_its_lines_stays_within_the_figure_at_any_resolution():
    rng = np.random.default_rng(1)
    for _ in range(3):
        with style.applied():
            ax = style.take_axes(None, height=2)
            style.finish(ax, title=" ".join(rng.choice([*"ilftrj"], 120)), description="", context=Context())
        for dpi in (72, 100, 200):
            ax.figure.set_dpi(dpi)
            ax.figure.draw_without_rendering()
            assert ax._left_title.get_window_extent().x1 <= ax.figure.bbox.width


def test_axes_of_others_have_no_description():
    _, ax = plt.subplots()
    with pytest.raises(ParameterError, match="no alternative text"):
        describe(ax)


def test_show_displays_once_with_alternative_text_and_closes(concentrated, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    ax = plot_lorenz(concentrated)
    text, png = describe(ax), to_png(ax)
    assert show(ax) is None
    (image,) = shown
    _, metadata = image._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == text
    assert image.data == png
    assert not plt.get_fignums()


@pytest.mark.filterwarnings("ignore:.*TCP without encryption.*")
def test_draw_leaves_out_what_there_is_not_and_says_why(concentrated, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    draw(plot_lorenz, concentrated)
    assert len(shown) == 1 and shown[0].format == "png"
    draw(plot_lorenz, NotPossible("concentration", UndefinedMeasureError("Nothing.")))
    assert len(shown) == 1, "its answer says why"

    def nothing(result):
        raise UndefinedMeasureError("There is <nothing> to draw.")

    draw(nothing, concentrated)
    assert "There is &lt;nothing&gt; to draw." in shown[1].data


def test_a_notebook_shows_each_figure_once_with_its_text():
    code = """
    from kam import identify, plots
    result = identify.concentration([5, 4, 3, 2, 1], n_resamples=5)
    plots.show(plots.plot_lorenz(result))
    """
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source)) for source in (code, "plots.plot_largest(result);")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    NotebookClient(notebook, kernel_name="python3").execute(env=environment)
    first, second = notebook.cells
    (shown,) = first.outputs
    assert shown.metadata["image/png"]["alt"].startswith(
        "3 of 5 customers bring 80% of positive net revenue. Lorenz curve"
    )
    assert shown.data["image/png"].startswith("iVBOR")
    (plain,) = second.outputs  # without show, the notebook's own display
    assert "image/png" in plain.data


def test_a_small_mark_keeps_its_color_among_many():
    import io

    from PIL import Image

    with style.applied():
        ax = style.take_axes(None, height=3)
        ax.imshow(np.linspace(0, 1, 4000).reshape(40, 100), cmap="viridis", aspect="auto")
        ax.plot([50], [20], "o", color=style.WARN, ms=4)
        png = style.to_png(ax)
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P" and len(image.getpalette()) <= 3 * 64
    colors = {color for _, color in image.convert("RGB").getcolors()}
    assert {tuple(bytes.fromhex(style.WARN[1:])), (255, 255, 255)} <= colors
