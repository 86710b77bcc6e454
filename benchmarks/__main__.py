"""Run every benchmark."""

from . import consensus, queues

consensus.main()
queues.main()
