from dataclasses import replace

import matplotlib as mpl

from kam.plots import describe, plot_key_accounts, style


def test_bars_are_what_each_criterion_leaves(key_accounts):
    ax = plot_key_accounts(key_accounts)
    assert [bar.get_width() for bar in ax.patches] == [13, 11, 9]
    assert [text.get_text() for text in ax.texts] == ["13", "11 (−2)", "9 (−2)"]
    assert [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()] == list(
        key_accounts.criteria["meaning"]
    )
    colors = [mpl.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colors == [style.GREY, style.GREY, style.ACCENT]
    assert ax.get_title(loc="left") == "9 of 13 large accounts meet every criterion: 54.3% of revenue"
    assert "class A by value 13" in describe(ax)


def test_no_key_account(key_accounts):
    criteria = key_accounts.criteria.assign(n_all_so_far=[13, 11, 0])
    ax = plot_key_accounts(replace(key_accounts, criteria=criteria))
    assert ax.get_title(loc="left") == "No large account meets every criterion"
