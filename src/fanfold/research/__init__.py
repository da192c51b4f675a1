"""Many runs: plans, sweeps and their tables."""
