"""What every path model is: its numbers, and one compiled bar.

A bar is computed for many paths at once, one in each lane of an array, so that the
processor's vector units do the work. A model is told the normals and uniforms of each
lane and answers with log returns. It never draws anything itself: so a path depends on
the seed and on its own number alone, whichever lanes and chunks it falls into.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from fanfold.domain.compiled import Compiled
from fanfold.simulation.history import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A model as compiled code takes it.

    Attributes:
        numbers: Parameters, in an order of the model's own, `[number]`.
        table: A history or a table of the model, `[row, column]`; (1, 1) where it has none.
        normal_count: Independent standard normals that a bar of one path takes.
        uniform_count: Independent uniforms in [0, 1) that a bar of one path takes.
        state_count: Numbers that a path carries from bar to bar; all 0 before bar 0.
    """

    numbers: Floats
    table: Floats
    normal_count: int
    uniform_count: int
    state_count: int


class PathModel(ABC):
    """Prices that could have been, as joint log returns of assets bar by bar.

    `advance(bar, numbers, table, state, normals, uniforms, moves)` computes one bar for all
    lanes: `state` is `[state, lane]`, `normals` `[normal, lane]`, `uniforms` `[uniform, lane]`,
    and it writes `moves`, `[row, lane]`: row a is the log return of asset a. Where `moves` has
    three rows an asset, the next ones are the part of it that comes as a gap at the open [log
    return], then the variance of the rest, inside the bar.
    """

    __slots__ = ()

    advance: ClassVar[Compiled[..., None]]

    @property
    @abstractmethod
    def asset_count(self) -> int:
        """Assets that move together."""

    @abstractmethod
    def packed(self) -> Packed:
        """The model as compiled code takes it."""

    def draw(
        self, *, bar_count: int, path_count: int, seed: int = 0, first_path: int = 0
    ) -> Floats:
        """Draw paths and keep them.

        Path i is the same whichever others are drawn with it.

        Args:
            bar_count: Bars of a path.
            path_count: Number of paths.
            seed: Equal seeds give equal paths.
            first_path: Number of the first path.

        Returns:
            Simple returns, `[path, bar, asset]` [1 per bar].

        Raises:
            ConfigError: A count is not what it must be, or what would be kept is too large.
        """
        from fanfold.simulation.paths import drawn_returns

        return drawn_returns(
            self, bar_count=bar_count, path_count=path_count, seed=seed, first_path=first_path
        )
