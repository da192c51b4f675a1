"""Compiled functions: plain from Python, machine code on request, a cache that sees edits."""

import math
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fanfold.domain.compiled import Compiled, compiled, compiled_as, compiled_lanes
from fanfold.errors import LanguageError

SOURCE = Path(__file__).resolve().parents[3] / "src"


def one_float() -> Any:
    from numba import float64

    return float64(float64)


def all_mathematics_type() -> Any:
    from numba import float64, void

    return void(float64, float64[::1])


@compiled
def doubled(x: float) -> float:
    return x * 2.0


@compiled_as(one_float)
def shifted(x: float) -> float:
    return doubled(x) + 1.0


@compiled_as(all_mathematics_type)
def all_mathematics(x: float, out: Any) -> None:
    out[0] = math.acos(x / 1e3)
    out[1] = math.acosh(x + 1.0)
    out[2] = math.asin(x / 1e3)
    out[3] = math.asinh(x)
    out[4] = math.atan(x)
    out[5] = math.atanh(x / 1e3)
    out[6] = math.cos(x)
    out[7] = math.cosh(x)
    out[8] = math.degrees(x)
    out[9] = math.erf(x)
    out[10] = math.erfc(x)
    out[11] = math.exp(x)
    out[12] = math.expm1(x)
    out[13] = math.fabs(x)
    out[14] = math.log(x)
    out[15] = math.log10(x)
    out[16] = math.log1p(x)
    out[17] = math.log2(x)
    out[18] = math.radians(x)
    out[19] = math.sin(x)
    out[20] = math.sinh(x)
    out[21] = math.sqrt(x)
    out[22] = math.tan(x)
    out[23] = math.tanh(x)
    out[24] = math.exp(-x)
    out[25] = math.atan2(x, 0.3)
    out[26] = math.copysign(x, -1.0)
    out[27] = float(math.floor(x) + math.ceil(x) + math.trunc(x))
    out[28] = x % 0.1 + x // 0.3 + -x % 7.0
    out[29] = round(x * 1e3) / 1e3
    out[30] = round(x, 2)
    out[31] = x * 12.9898 + x * x * 78.233 + 37.719 / x
    out[32] = float(int(x * 10) % 7 + int(-x) // 3)


MATHEMATICS_COUNT = 33


def test_a_compiled_function_is_plain_when_called_and_machine_code_on_request() -> None:
    assert shifted(1.5) == 4.0
    assert shifted.machine(1.5) == 4.0
    assert shifted.machine is not shifted.function
    assert repr(shifted).startswith("<compiled ")


def test_mathematics_gives_the_same_bits_plain_and_in_machine_code() -> None:
    rng = np.random.default_rng(11)
    plain, machine = np.zeros(MATHEMATICS_COUNT), np.zeros(MATHEMATICS_COUNT)
    for x in np.concatenate([rng.uniform(1e-3, 1.0, 500), rng.uniform(1.0, 700.0, 500)]).tolist():
        all_mathematics(x, plain)
        all_mathematics.machine(x, machine)
        differs = [place for place in range(MATHEMATICS_COUNT) if plain[place] != machine[place]]
        assert differs == [], x


def test_division_by_zero_raises_both_ways() -> None:
    @compiled_as(one_float)
    def inverse(x: float) -> float:
        return 1.0 / x

    for way in (inverse, inverse.machine):
        with pytest.raises(ZeroDivisionError):
            way(0.0)


def test_code_outside_the_subset_never_reaches_the_compiler() -> None:
    @compiled_as(one_float)
    def squared(x: float) -> float:
        return x**2

    assert squared(3.0) == 9.0
    with pytest.raises(LanguageError, match=r"squared may not use \*\*"):
        _ = squared.machine


def test_a_compiled_function_travels_by_name() -> None:
    from fanfold.strategies.moving_average_cross import hold_while_above

    assert pickle.loads(pickle.dumps(hold_while_above)) is hold_while_above  # noqa: S301


def test_a_closure_travels_by_value() -> None:
    import cloudpickle

    def made(step: float) -> Compiled[[float], float]:
        @compiled
        def stepped(x: float) -> float:
            return x + step

        return stepped

    copy = cloudpickle.loads(cloudpickle.dumps(made(2.5)))
    assert copy(1.0) == 3.5
    assert copy.content_hash == made(2.5).content_hash


HELPER = """
from fanfold.domain.compiled import compiled

@compiled
def scaled(x):
    return x * {factor}
"""

MAIN = """
from helper_next_door import scaled
from fanfold.domain.compiled import compiled_as

def one_float():
    from numba import float64
    return float64(float64)

@compiled_as(one_float)
def money(x):
    return scaled(x) + 1.0
"""

ASK = "import {module} as asked; print(asked.money.machine(2.0))"


def ask(folder: Path, *command: str, text: str | None = None) -> str:
    paths = os.pathsep.join([str(SOURCE), str(folder)])
    environment = os.environ | {
        "FANFOLD_HOME": str(folder / "home"),
        "PYTHONPATH": paths,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def kept(folder: Path) -> dict[str, int]:
    """Files of compiled code, and when each was written [ns]."""
    files = (folder / "home" / "compiled").rglob("*")
    return {str(file): file.stat().st_mtime_ns for file in files if file.is_file()}


def test_what_one_process_compiled_serves_others_until_a_helper_is_edited(tmp_path: Path) -> None:
    (tmp_path / "main_file.py").write_text(MAIN)
    (tmp_path / "helper_next_door.py").write_text(HELPER.format(factor="10.0"))
    assert ask(tmp_path, "-c", ASK.format(module="main_file")) == "21.0"
    first = kept(tmp_path)
    assert first

    # A second process reads it and writes nothing, though its module has another name.
    (tmp_path / "main_file.py").rename(tmp_path / "there.py")
    assert ask(tmp_path, "-c", ASK.format(module="there")) == "21.0"
    assert kept(tmp_path) == first

    (tmp_path / "helper_next_door.py").write_text(HELPER.format(factor="30.0"))
    assert ask(tmp_path, "-c", ASK.format(module="there")) == "61.0"
    assert kept(tmp_path).items() > first.items()


def test_a_function_from_standard_input_is_compiled(tmp_path: Path) -> None:
    script = HELPER.format(factor="10.0") + MAIN.replace(
        "from helper_next_door import scaled\n", ""
    )
    assert ask(tmp_path, "-", text=script + "\nprint(money.machine(2.0))\n") == "21.0"


def lanes_type() -> Any:
    from numba import float64, void

    return void(float64[::1], float64[::1])


@compiled_lanes
def inverted(values: Any, out: Any) -> None:
    for lane in range(len(values)):
        out[lane] = 1.0 / values[lane]


@compiled_as(lanes_type)
def inverted_by_a_lane_function(values: Any, out: Any) -> None:
    inverted(values, out)


def test_lanes_divide_without_looking_for_zero() -> None:
    values, out = np.array([2.0, 0.0, 4.0]), np.zeros(3)
    inverted_by_a_lane_function.machine(values, out)
    assert out.tolist() == [0.5, math.inf, 0.25]
    with pytest.raises(ZeroDivisionError):
        inverted_by_a_lane_function(values.tolist(), out)


def test_how_a_function_divides_is_part_of_its_hash() -> None:
    assert compiled(inverted.function).content_hash != inverted.content_hash


TWINS = """
import sys
from fanfold.domain.compiled import compiled_as

def one_whole() -> object:
    from numba import int64
    return int64(int64)

def called() -> object:
    from numba import int64, types
    return int64(int64, types.FunctionType(one_whole()))

def adds(k: int):
    @compiled_as(one_whole)
    def add(x: int) -> int:
        return x + k
    return add

@compiled_as(called)
def call(x, function):
    return function(x)

both = [adds(int(k)) for k in sys.argv[1:]]
for function in both:
    function.machine(0)
if len(both) > 1:
    print([call.machine(0, function.value) for function in both])
"""


def test_functions_of_one_name_from_two_processes_stay_apart(tmp_path: Path) -> None:
    script = tmp_path / "twins.py"
    script.write_text(TWINS)

    def run(home: Path, *numbers: str) -> str:
        environment = {**os.environ, "FANFOLD_HOME": str(home), "PYTHONPATH": str(SOURCE)}
        ran = subprocess.run(
            [sys.executable, str(script), *numbers],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return ran.stdout

    for number in ("1", "2"):  # each is the first that its process compiles
        run(tmp_path / number, number)
        shutil.copytree(tmp_path / number, tmp_path / "all", dirs_exist_ok=True)
    assert run(tmp_path / "all", "1", "2").strip() == "[1, 2]"
