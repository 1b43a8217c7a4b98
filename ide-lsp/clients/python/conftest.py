"""What the tests share: the program under test, cells to work in, and results that `cargo xtask` can count."""

import os
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


def sensai() -> str:
    """The program under test."""
    program = os.environ.get("SENSAI_BIN")
    if not program:
        pytest.exit("SENSAI_BIN is not set: `cargo xtask editors` sets it", returncode=2)
    return program


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(REPOSITORY / "examples" / "pneumatic-press", tmp_path / "press"))


def pytest_terminal_summary(terminalreporter) -> None:
    """The lines of Rust's test harness, which `cargo xtask` reads."""
    of = terminalreporter.stats
    failed = of.get("failed", []) + of.get("error", [])
    for report in failed:
        terminalreporter.write_line(f"test {report.nodeid} ... FAILED")
    for report in of.get("skipped", []):
        why = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"skipped: {report.nodeid} ({why})")
    passed = len(of.get("passed", []))
    verdict = "FAILED" if failed else "ok"
    terminalreporter.write_line(f"test result: {verdict}. {passed} passed; {len(failed)} failed; 0 ignored")
