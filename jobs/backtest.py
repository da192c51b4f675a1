"""Run one backtest: python jobs/backtest.py [CONFIG] [--set a.b=c]; also by `ray job submit`."""

import sys

from fanfold.cli import main

if __name__ == "__main__":
    main(["run", *(sys.argv[1:] or ["configs/backtest.yaml"])])
