"""The values of every run: in memory, or written to Zarr or netCDF as they come."""

import errno
import math
import os
import shutil
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .checkpoints import tell
from .chunks import Bounds, Plan
from .models import Array, ModelError

__all__ = ["Paths"]

_PACKAGES = {".zarr": "zarr", ".nc": "h5netcdf"}
_OVERHEAD = 2**20  #: bytes of a netCDF file beside its values


class Paths:
    """Arrays of shape (points, runs, times), in memory or in a file, filled chunk by chunk."""

    def __init__(
        self, where: bool | str | os.PathLike[str], plan: Plan, *, replace: bool = False
    ) -> None:
        self.plan, self.failed = plan, False
        self.names: dict[str, str] = {}  #: of the variables, by output
        self.path = None if isinstance(where, bool) else Path(where)
        self.arrays: Any = None  #: by name of the measure
        if self.path is None:
            return
        if self.path.suffix not in _PACKAGES:
            raise ValueError(
                f"paths is {str(self.path)!r}; allowed: True, or a name ending in .zarr or .nc"
            )
        if replace and self.path.is_dir():
            shutil.rmtree(self.path)
        elif replace:
            self.path.unlink(missing_ok=True)
        if self.path.exists():
            raise FileExistsError(
                f"{self.path} is there already; choose another name for the paths"
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._package = import_module(_PACKAGES[self.path.suffix])
        except ImportError as exc:
            raise ImportError(
                f"paths to {self.path}: pip install 'depin-lib[storage]' ({exc})"
            ) from exc

    def name(self, outputs: Iterable[str], results: set[str]) -> None:
        """Name the variables as the outputs, unless something else has the name."""
        taken = {*results, *self.plan.columns, "point", "run", "time", "quantile"}
        for output in outputs:
            if "/" in output and self.path:
                raise ModelError(f"output {output!r} cannot be written to a file under this name")
            self.names[output] = f"{output}_path" if output in taken else output

    def write(self, place: Bounds, values: dict[str, Array]) -> None:
        """Write a chunk's values; if the file takes no more, say so once and go on."""
        if self.failed or not values:
            return
        p0, p1, r0, r1 = place
        try:
            if self.arrays is None:
                self.arrays = self._create(
                    {name: array.shape[1:] for name, array in values.items()}
                )
            for name, array in values.items():
                target = self.arrays[name if self.path is None else self.names[name]]
                target[p0:p1, r0:r1] = array.reshape(p1 - p0, r1 - r0, *target.shape[2:])
        except (OSError, RuntimeError) as exc:
            self._give_up(exc, f"from point {p0}, run {r0} on")

    def _give_up(self, exc: Exception, where: str) -> None:
        if not self.failed:
            tell(
                f"paths could not be written to {self.path} ({exc}): the file is incomplete "
                f"{where}; the summaries are not touched by this"
            )
        self.failed = True

    def close(self) -> None:
        """Finish the file."""
        try:
            if self.path and hasattr(self.arrays, "close"):
                self.arrays.close()
        except (OSError, RuntimeError) as exc:
            self._give_up(exc, "at its end")

    def _create(self, times: dict[str, tuple[int, ...]]) -> Any:
        """Make room for every measure; a file also gets the parameters of each point."""
        plan = self.plan
        if self.path is None:
            shape = (plan.points, plan.runs)
            return {name: np.full((*shape, *more), np.nan) for name, more in times.items()}
        coords: dict[str, Any] = {name: ("point", column) for name, column in plan.columns.items()}
        for name, more in times.items():
            if more:
                coords["time"] = plan.times(name, more[0])
        sizes = {name: (plan.points, plan.runs, *(more or (1,))) for name, more in times.items()}
        if self.path.suffix == ".zarr":
            xr.Dataset(coords=coords).to_zarr(self.path, consolidated=False)
            file = self._package.open_group(self.path, mode="r+")
        else:
            check_room(self.path, sum(8 * math.prod(size) for size in sizes.values()))
            xr.Dataset(coords=coords).to_netcdf(self.path, engine="h5netcdf")
            file = self._package.File(self.path, "a")
        for output, more in times.items():
            name, whole = self.names[output], sizes[output]
            dims = ("point", "run", "time" if more else f"{name}_once")
            blocks = (1, min(plan.runs, plan.size), whole[2])
            if self.path.suffix == ".zarr":
                options = {"fill_value": np.nan, "dimension_names": dims}
                file.create_array(name, shape=whole, dtype="f8", chunks=blocks, **options)
                continue
            for dim, length in zip(dims, whole, strict=True):
                file.dimensions.setdefault(dim, length)
            file.create_variable(name, dims, "f8", chunks=blocks, fillvalue=np.nan)
        return file


def check_room(path: Path, size: int) -> None:
    """Raise OSError if a file of this size finds no room: HDF5 crashes where a disk fills up."""
    if shutil.disk_usage(path.parent).free < size + _OVERHEAD:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    try:
        with open(path, "wb") as file:
            file.truncate(size + _OVERHEAD)  # some file systems and users have a largest size
    finally:
        path.unlink(missing_ok=True)
