from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors",
        metavar="DIR",
        type=Path,
        default=None,
        help="run the vectors of DIR/*.json through the adapters instead of the project's own",
    )
