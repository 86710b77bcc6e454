"""Run every benchmark."""

from . import comparison, consensus, experiments, queues, retention

comparison.main()
consensus.main()
experiments.main()
queues.main()
retention.main()
