"""Run every benchmark."""

from . import consensus

consensus.main()
