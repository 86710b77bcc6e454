"""Run every benchmark."""

from . import consensus, experiments, queues, retention

consensus.main()
experiments.main()
queues.main()
retention.main()
