"""One module a job: plan, run here or on a cluster, track, report."""
