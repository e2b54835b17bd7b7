"""What the README promises is run here, so that it cannot rot."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kam.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    client, left = rng.integers(40, size=1500), rng.uniform(200, 1000, 40).clip(max=700)
    orders = pd.DataFrame(
        {
            "client": [f"{i:03d}" for i in client],
            "date": pd.Timestamp("2023-01-01")
            + pd.to_timedelta((left[client] * rng.random(1500)).astype(int), unit="D"),
            "net": rng.lognormal(5, 1, 1500).round(2),
        }
    )
    orders.to_parquet(tmp_path / "orders.parquet")
    orders.to_csv(tmp_path / "orders.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_python_lines(capsys):
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.S):
        exec(compile(block, "README.md", "exec"), names)
    assert "1,500 rows in; 1,500 kept" in capsys.readouterr().out


def test_the_five_lines(folder, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    block = README.split("## Your own data, in five lines")[1].split("```")[1]
    commands = [shlex.split(line, comments=True) for line in block.strip().splitlines()]
    ours = [[word.replace("~", str(folder)) for word in command[1:]] for command in commands if command[0] == "kam"]
    assert [command[0] for command in ours] == ["init", "check", "run"]
    for command in ours[:2]:
        monkeypatch.setattr("sys.argv", ["kam", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    assert "A report could be trusted" in capsys.readouterr().out
