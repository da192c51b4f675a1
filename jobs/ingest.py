"""Get market data into a store: python jobs/ingest.py [CONFIG] [--set a.b=c].

Or with the options of `fanfold data ingest`: python jobs/ingest.py --from yahoo --symbols AAPL.
Also by `ray job submit`.
"""

import sys

from fanfold.cli import main

if __name__ == "__main__":
    words = sys.argv[1:] or ["configs/ingest.yaml"]
    main([*(["data", "ingest"] if words[0].startswith("--") else ["run"]), *words])
