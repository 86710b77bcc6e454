"""Run every benchmark."""

from . import consensus, queues, retention

consensus.main()
queues.main()
retention.main()
