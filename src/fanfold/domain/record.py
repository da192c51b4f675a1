"""Records that compiled and plain Python share.

A record is declared once, as a class. From its annotations come the layout that
compiled code reads (a NumPy structured dtype of eight-byte fields), the light
object that plain Python reads (properties over the same memory, so both see the
same bits), and the names that an editor completes.
"""

from typing import Any, ClassVar, Self, get_type_hints

import numpy as np
from numpy.typing import NDArray

VECTOR_SIZE = 16
"""Places in a vector field [values]."""


class Vector(list[float]):
    """Annotation of a field that holds `VECTOR_SIZE` floats."""


class Record:
    """Base of all records; annotate fields as `int`, `float` or `Vector`."""

    __slots__ = ("_floats", "_ints", "_vectors")
    dtype: ClassVar[np.dtype[Any]]
    _vector_places: ClassVar[tuple[int, ...]] = ()

    def __init__(self, floats: memoryview, ints: memoryview) -> None:
        """See one record through two views of the same bytes."""
        self._floats: Any = floats
        self._ints: Any = ints
        self._vectors = {at: floats[at : at + VECTOR_SIZE] for at in self._vector_places}

    def __init_subclass__(cls) -> None:
        """Turn the annotations into a dtype and into properties."""
        fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = []
        place = 0
        for name, kind in get_type_hints(cls).items():
            if kind is int:
                fields.append((name, "i8"))
                setattr(cls, name, _int_property(place))
                place += 1
            elif kind is float:
                fields.append((name, "f8"))
                setattr(cls, name, _float_property(place))
                place += 1
            elif kind is Vector:
                fields.append((name, "f8", (VECTOR_SIZE,)))
                setattr(cls, name, _vector_property(place))
                cls._vector_places += (place,)
                place += VECTOR_SIZE
        cls.dtype = np.dtype(fields)

    @classmethod
    def zeros(cls, count: int) -> NDArray[Any]:
        """`count` records of zeros, as compiled code takes them."""
        return np.zeros(count, cls.dtype)

    @classmethod
    def views(cls, records: NDArray[Any]) -> list[Self]:
        """One light object a record, over the array's own memory."""
        places = cls.dtype.itemsize // 8
        floats, ints = view(records.view("f8")), view(records.view("i8"))
        return [
            cls(floats[at : at + places], ints[at : at + places])
            for at in range(0, len(records) * places, places)
        ]


def view(array: Any) -> Any:
    """An array as plain Python reads it: with its own floats, faster than NumPy's."""
    return memoryview(array)


def _int_property(place: int) -> property:
    def read(record: Any) -> int:
        return record._ints[place]  # noqa: SLF001

    def write(record: Any, value: int) -> None:
        record._ints[place] = value  # noqa: SLF001

    return property(read, write)


def _float_property(place: int) -> property:
    def read(record: Any) -> float:
        return record._floats[place]  # noqa: SLF001

    def write(record: Any, value: float) -> None:
        record._floats[place] = value  # noqa: SLF001

    return property(read, write)


def _vector_property(place: int) -> property:
    def read(record: Any) -> memoryview:
        return record._vectors[place]  # noqa: SLF001

    return property(read)
