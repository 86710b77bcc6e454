"""What one's own card achieves: a small measurement, where there is a card."""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import checks

__all__ = ["GpuMeasurement", "NoGpuError", "measure_gpu"]


class NoGpuError(RuntimeError):
    """There is no GPU here that Python can use; the message says what is missing."""


@dataclass(frozen=True)
class GpuMeasurement:
    """What a card achieved, and with what."""

    name: str  #: of the card
    library: str  #: "torch" or "cupy"
    matrix_tflops: float  #: 16-bit matrix products, TFLOP/s
    memory_gb_s: float  #: copying, read and written bytes together, GB/s

    def relative_speed(self, tflops: float, gb_s: float) -> tuple[float, float]:
        """Return the speed relative to a card with these two figures: matrices, memory.

        Examples
        --------
        >>> GpuMeasurement("a card", "torch", 80.0, 800.0).relative_speed(400.0, 2400.0)
        (0.2, 0.3333333333333333)
        """
        return (
            self.matrix_tflops / checks.number("tflops", tflops, low=0, low_open=True),
            self.memory_gb_s / checks.number("gb_s", gb_s, low=0, low_open=True),
        )


def measure_gpu(size: int = 4096, *, repeats: int = 10) -> GpuMeasurement:
    """Measure the matrix and the memory throughput of the first GPU, in a second or so.

    Parameters
    ----------
    size
        Side of the square matrices that are multiplied in 16 bits.
    repeats
        How often each; the fastest counts.

    Raises
    ------
    NoGpuError
        If neither torch nor cupy is installed, or they find no card.

    Examples
    --------
    >>> try:
    ...     card = measure_gpu(1024)
    ... except NoGpuError as reason:
    ...     pass  # no card here: go on with the published figures
    """
    side = checks.whole_number("size", size, low=16, high=65_536)
    count = checks.whole_number("repeats", repeats)
    reasons = []
    for library, start in (("torch", _torch), ("cupy", _cupy)):
        try:
            name, product, copy, wait = start(importlib.import_module(library), side)
        except ImportError:
            reasons.append(f"{library} is not installed")
        except Exception as exc:
            reasons.append(f"{library} finds no GPU ({type(exc).__name__})")
        else:
            flop, moved = 2 * side**3, 4 * side**2  # two bytes read and two written per entry
            return GpuMeasurement(
                name,
                library,
                flop / _fastest(product, wait, count) / 1e12,
                moved / _fastest(copy, wait, count) / 1e9,
            )
    raise NoGpuError(
        f"no GPU to measure: {'; '.join(reasons)}. Everything else works without one: "
        "the comparison uses published figures"
    )


_Started = tuple[str, Callable[[], Any], Callable[[], Any], Callable[[], Any]]


def _torch(torch: Any, side: int) -> _Started:
    if not torch.cuda.is_available():
        raise RuntimeError("no CUDA device")
    a = torch.ones((side, side), device="cuda", dtype=torch.float16)
    b = torch.empty_like(a)
    wait = torch.cuda.synchronize
    return torch.cuda.get_device_name(0), lambda: torch.mm(a, a, out=b), lambda: b.copy_(a), wait


def _cupy(cupy: Any, side: int) -> _Started:
    cupy.cuda.runtime.getDeviceCount()
    a = cupy.ones((side, side), dtype=cupy.float16)
    b = cupy.empty_like(a)
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    wait = cupy.cuda.runtime.deviceSynchronize
    return name, lambda: cupy.matmul(a, a, out=b), lambda: cupy.copyto(b, a), wait


def _fastest(call: Callable[[], Any], wait: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of some calls, after one to warm up."""
    times = []
    for _ in range(repeats + 1):
        wait()
        start = time.perf_counter()
        call()
        wait()
        times.append(time.perf_counter() - start)
    return min(times[1:])
