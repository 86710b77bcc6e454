"""Part III: prices, cost of ownership, reliability, queueing, verification."""
