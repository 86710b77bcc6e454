"""Speed, as ratios against peers in the same run: ``python3 tasks.py bench``."""
