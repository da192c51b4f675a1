"""Bring a deployment up: python jobs/live.py [CONFIG] [--set a.b=c]; it outlives this script."""

import sys

from fanfold.cli import main

if __name__ == "__main__":
    main(["live", "up", *(sys.argv[1:] or ["configs/live_paper.yaml"])])
