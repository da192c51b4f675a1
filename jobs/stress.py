"""Live through crises and shocks: python jobs/stress.py [CONFIG] [--set a.b=c].

Also by `ray job submit`.
"""

import sys

from fanfold.cli import main

if __name__ == "__main__":
    main(["run", *(sys.argv[1:] or ["configs/stress.yaml"])])
