"""The one way to compile.

A compiled function is called from Python as the plain function it is, from other
compiled functions as machine code, and through `.machine` as machine code from
Python. So every function can run plain, which is how tests and coverage see it
and how small runs avoid loading the compiler at all.

numba's own disk cache looks only at the file of the decorated function: a helper
edited next door keeps giving yesterday's numbers. Here the cache key is a hash of
the byte code and constants of the function and of everything compiled that it
reaches, so any edit that could change a result is seen, and none that could not.
"""

import hashlib
import logging
import os
import platform
import shutil
import sys
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Generic, ParamSpec, TypeVar

from fanfold.domain.language import Declared, content_hash
from fanfold.domain.place import home

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

_log = logging.getLogger(__name__)

CACHE_ENTRIES_MAX = 500
"""Compiled functions kept on disk; the oldest go first [entries]."""


CACHE_FORM = "named"
"""How code is kept: changed when what is kept of the same content changes."""


class Compiled(Declared, Generic[P, R_co]):
    """A function of the compiled subset; see `fanfold.domain.language`.

    Attributes:
        function: The plain function.
        apart: Whether it stays out of line in its callers.
        checked: Whether a division by zero raises.
        content_hash: Hash of its code and of all compiled code that it reaches.
    """

    def __init__(
        self,
        function: Callable[P, R_co],
        signature: Callable[[], Any] | None = None,
        *,
        apart: bool = False,
        checked: bool = True,
    ) -> None:
        self.function = function
        self._signature = signature
        self.apart = apart
        self.checked = checked
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run plain."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<compiled {self.__module__}.{self.__qualname__}>"

    def __reduce__(self) -> Any:
        """By name within fanfold, else by value: a worker may lack the user's module."""
        if self.__module__.partition(".")[0] == "fanfold" and "<" not in self.__qualname__:
            return self.__qualname__
        return (_remade, (self.function, self._signature, self.apart, self.checked))

    @cached_property
    def content_hash(self) -> str:
        """Hash of the code that decides the result; checks the subset on the way.

        Raises:
            LanguageError: The code is outside the compiled subset.
        """
        own = content_hash(self.function)
        return own if self.checked else hashlib.sha256(f"unchecked {own}".encode()).hexdigest()

    @cached_property
    def machine(self) -> Callable[P, R_co]:
        """The machine code, compiled now or read from the disk cache.

        Raises:
            LanguageError: The code is outside the compiled subset.
        """
        dispatcher = self._dispatcher
        if self._signature is None:
            dispatcher._cache = _disk_cache(self)  # noqa: SLF001
            return dispatcher
        # One type, so its entry is called directly: finding the type of fifteen arrays
        # again at each call costs more than a bar.
        (only,) = dispatcher.overloads.values()
        return only.entry_point

    @property
    def value(self) -> Any:
        """The machine code as an argument for a parameter of a function type."""
        return self._dispatcher

    @property
    def _named(self) -> Callable[P, R_co]:
        """The function under a name that no other content has.

        numba names machine code by function and by how many were compiled before it in the
        process. Two closures of one name, compiled in two processes, could have one name,
        and the linker would call the first of them in place of the second.
        """
        own = self.function
        named = FunctionType(
            own.__code__, own.__globals__, own.__name__, own.__defaults__, own.__closure__
        )
        named.__module__ = own.__module__
        named.__qualname__ = f"{own.__qualname__}_{self.content_hash[:16]}"
        return named

    @cached_property
    def _dispatcher(self) -> Any:
        # Without reference counting (`_nrt`): the caller of the outermost function owns
        # every array for the whole call, and nothing in the subset allocates.
        _ = self.content_hash  # refuses code outside the subset by name and line
        inlined = self._signature is None and not self.apart
        zero = "python" if self.checked else "numpy"
        options = {"nogil": True, "forceinline": inlined, "_nrt": False, "error_model": zero}
        dispatcher = _numba().njit(**options)(self._named)
        _ignore_literals(dispatcher)
        if self._signature is not None:
            dispatcher._cache = _disk_cache(self)  # noqa: SLF001
            if not _cache_entry(self).exists():
                _log.info("compiling %s, once", self.__name__)
            dispatcher.compile(self._signature())
            dispatcher.disable_compile()  # any caller gets this one type, converted to if need be
        return dispatcher


def _ignore_literals(dispatcher: Any) -> None:
    """Compile a function once for all integers, not once for each constant passed to it.

    numba makes a version for every constant argument, which multiplies the time of the
    first compilation; once inlined, constants are folded all the same.
    """
    from numba.core import types

    plain: Callable[[Any], Any] = getattr(types, "unliteral")  # noqa: B009  (has no type)
    resolve = dispatcher.get_call_template

    def resolve_plain(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return resolve(tuple(map(plain, args)), {name: plain(kws[name]) for name in kws})

    dispatcher.get_call_template = resolve_plain


def compiled(function: Callable[P, R_co]) -> Compiled[P, R_co]:
    """Declare a function of the compiled subset, inlined where compiled code calls it."""
    return Compiled(function)


def compiled_apart(function: Callable[P, R_co]) -> Compiled[P, R_co]:
    """Declare a function that is rarely called from a hot loop: it stays out of line.

    Inlined there, its constants would be kept in registers and saved around every
    other call of the loop (measured: half the loop's speed).
    """
    return Compiled(function, apart=True)


def compiled_lanes(function: Callable[P, R_co]) -> Compiled[P, R_co]:
    """Declare a function of loops over lanes that divide: these become vector instructions.

    A loop that may raise in the middle cannot. So machine code does not look for divisors of
    zero, where plain Python raises: the function must not have any whose result is used.
    """
    return Compiled(function, checked=False)


def compiled_as(signature: Callable[[], Any]) -> Callable[[Callable[P, R_co]], Compiled[P, R_co]]:
    """Declare a compiled function of one fixed type, to be called from Python or as a value.

    Args:
        signature: Makes numba's signature; called on the first compilation only.
    """

    def declare(function: Callable[P, R_co]) -> Compiled[P, R_co]:
        return Compiled(function, signature)

    return declare


_arrived: dict[str, Compiled[Any, Any]] = {}


def _remade(function: Any, signature: Any, apart: bool, checked: bool) -> Compiled[Any, Any]:  # noqa: FBT001
    """A function that came by value; the same one again is the same object, compiled once."""
    made = Compiled(function, signature, apart=apart, checked=checked)
    return _arrived.setdefault(made.content_hash, made)


def _numba() -> Any:
    """Import numba on first need and teach it what a `Compiled` is."""
    import numba
    from numba.core import types
    from numba.extending import typeof_impl

    if Compiled not in typeof_impl.registry:

        @typeof_impl.register(Compiled)
        def typeof_compiled(value: Compiled[Any, Any], _context: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
            return types.Dispatcher(value._dispatcher)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    return numba


def _disk_cache(function: Compiled[Any, Any]) -> Any:  # noqa: C901  (small classes inside)
    """numba's function cache, stored under the content hash."""
    caching: Any = import_module("numba.core.caching")
    hash_ = function.content_hash
    folder = _cache_entry(function)

    class ContentLocator(caching._CacheLocator):  # noqa: SLF001
        def get_cache_path(self) -> str:
            return str(folder)

        def get_source_stamp(self) -> str:
            return hash_

        def get_disambiguator(self) -> str:
            return hash_[:10]

        @classmethod
        def from_function(cls, _py_func: Any, _py_file: Any) -> Any:
            return cls()

    class ContentCacheImpl(caching.CompileResultCacheImpl):
        def __init__(self, _py_func: Any) -> None:
            self._lineno = 0
            self._locator = ContentLocator()
            self._filename_base = function.__name__

    class ContentCache(caching.FunctionCache):
        _impl_class = ContentCacheImpl

        def _index_key(self, sig: Any, codegen: Any) -> Any:
            return sig, codegen.magic_tuple(), hash_

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            """Read machine code; what is stored names the module that it was compiled in.

            A worker that got the function by value, or a file that was moved, has no module
            of that name. Nothing in the subset looks into it, so an empty one will do.
            """
            try:
                return caching.FunctionCache.load_overload(self, sig, target_context)
            except ModuleNotFoundError as error:
                if error.name is None or error.name in sys.modules:
                    raise
                sys.modules[error.name] = ModuleType(error.name)
                return self.load_overload(sig, target_context)

        def save_overload(self, sig: Any, data: Any) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            caching.FunctionCache.save_overload(self, sig, data)
            _forget_oldest()

    return ContentCache(function.function)


def _cache_entry(function: Compiled[Any, Any]) -> Path:
    return _cache_folder() / f"{function.__name__}-{function.content_hash[:24]}"


def _cache_folder() -> Path:
    import numba

    versions = (
        f"{numba.__version__}-py{platform.python_version()}-{platform.machine()}-{CACHE_FORM}"
    )
    return home() / "compiled" / versions


def _forget_oldest() -> None:
    entries = sorted(_cache_folder().iterdir(), key=os.path.getmtime)
    for entry in entries[:-CACHE_ENTRIES_MAX]:
        shutil.rmtree(entry, ignore_errors=True)
