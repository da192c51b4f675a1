"""The `fanfold` command: thin, quick to answer, one line when something is wrong."""

import click

from fanfold import __version__
from fanfold.cli import chaos, data, live, promotion, research, run, venue

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fanfold")
def main() -> None:
    """Backtests by the thousand, and the same code on live markets.

    \b
    Start with:
      fanfold run configs/demo.yaml        sweep three strategies over real data
      fanfold run configs/backtest.yaml    run one strategy once
      fanfold run configs/execution.yaml   the same with a desk's orders, costs and limits
      fanfold run configs/study.yaml       tune, walk forward and cross-validate each strategy
      fanfold audit lookahead SmaCross     does it look ahead
      fanfold data list                    what data is at hand
      fanfold venue                        a local exchange to rehearse on
      fanfold live up configs/live_paper.yaml   trade there, with the code that was tested
    """  # noqa: D301  (click reads the escape itself)


research.audit.add_command(promotion.gates)
live.live.add_command(promotion.promote)
live.live.add_command(promotion.deploy)
live.live.add_command(promotion.rollback)

for _command in (
    *(run.run, run.submit),
    *(research.report, research.trials, research.audit, research.unseal),
    data.data,
    venue.venue,
    live.live,
    chaos.chaos,
):
    main.add_command(_command)
