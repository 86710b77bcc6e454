"""The values of every run: in memory, or written to Zarr or netCDF as they come."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .checkpoints import tell
from .chunks import Plan
from .models import Array

__all__ = ["Paths"]

_PACKAGES = {".zarr": "zarr", ".nc": "h5netcdf"}


class Paths:
    """Arrays of shape (points, runs, times), in memory or in a file, filled chunk by chunk."""

    def __init__(self, where: bool | str | os.PathLike[str], plan: Plan) -> None:
        self.plan, self.failed = plan, False
        self.path = None if isinstance(where, bool) else Path(where)
        self.arrays: Any = None  #: by name of the measure
        if self.path is None:
            return
        if self.path.suffix not in _PACKAGES:
            raise ValueError(
                f"paths is {str(self.path)!r}; allowed: True, or a name ending in .zarr or .nc"
            )
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

    def write(self, place: tuple[int, int, int, int], values: dict[str, Array]) -> None:
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
                target = self.arrays[name]
                target[p0:p1, r0:r1] = array.reshape(p1 - p0, r1 - r0, *target.shape[2:])
        except OSError as exc:
            self.failed = True
            tell(
                f"paths could not be written to {self.path} ({exc}): the file is incomplete from "
                f"point {p0}, run {r0} on; the summaries are not touched by this"
            )

    def close(self) -> None:
        """Finish the file."""
        if self.path and hasattr(self.arrays, "close"):
            self.arrays.close()

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
        if self.path.suffix == ".zarr":
            xr.Dataset(coords=coords).to_zarr(self.path, consolidated=False)
            file = self._package.open_group(self.path, mode="r+")
        else:
            xr.Dataset(coords=coords).to_netcdf(self.path, engine="h5netcdf")
            file = self._package.File(self.path, "a")
        for name, more in times.items():
            sizes = {"point": plan.points, "run": plan.runs}
            sizes |= {"time": more[0]} if more else {f"{name}_once": 1}
            whole = tuple(sizes.values())
            blocks = (1, min(plan.runs, plan.size), whole[2])
            if self.path.suffix == ".zarr":
                options = {"fill_value": np.nan, "dimension_names": list(sizes)}
                file.create_array(name, shape=whole, dtype="f8", chunks=blocks, **options)
                continue
            for dim, length in sizes.items():
                file.dimensions.setdefault(dim, length)
            file.create_variable(name, tuple(sizes), "f8", chunks=blocks, fillvalue=np.nan)
        return file
