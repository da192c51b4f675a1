"""Run a sweep: python jobs/sweep.py [CONFIG] [--set a.b=c]; also by `ray job submit`."""

import sys

from fanfold.cli import main

if __name__ == "__main__":
    main(["run", *(sys.argv[1:] or ["configs/sweep.yaml"])])
