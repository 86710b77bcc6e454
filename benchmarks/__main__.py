"""Run every benchmark."""

from . import consensus, experiments, queues, retention
from . import comparison, consensus, queues, retention

comparison.main()
consensus.main()
experiments.main()
queues.main()
retention.main()
