import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import OUTPUT, Bench  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: waits for a minute of the real clock; still runs")


@pytest.fixture
def bench(tmp_path):
    """What a test starts; a failing test leaves its logs in its tmp_path."""
    b = Bench(tmp_path)
    yield b
    b.close()


@pytest.fixture(scope="session")
def output():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    return OUTPUT
