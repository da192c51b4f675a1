"""Test choices on many out-of-sample paths: python jobs/cross_validate.py [CONFIG] [--set a.b=c].

Also by `ray job submit`.
"""

import sys

from fanfold.cli import main

if __name__ == "__main__":
    main(["run", *(sys.argv[1:] or ["configs/cross_validation.yaml"])])
