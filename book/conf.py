"""Sphinx's own configuration file: everything comes from book.toml."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bookconfig

globals().update(bookconfig.load(Path(__file__).parent.parent).sphinx_settings())
