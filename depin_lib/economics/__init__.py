"""Part I: issuance, burn-and-mint, coverage, storage, network growth."""
