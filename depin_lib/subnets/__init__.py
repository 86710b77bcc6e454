"""Part II: consensus, bonds, pools, emission, registration, attacks."""
