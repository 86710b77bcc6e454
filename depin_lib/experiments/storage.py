"""The values of every run: in memory, or written to Zarr or netCDF as they come."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .checkpoints import RunWarning
from .chunks import Plan, counted
from .models import Array

__all__ = ["FilePaths", "MemoryPaths"]

Place = tuple[int, int, int, int]


class MemoryPaths:
    """Keeps every value in memory."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.values: dict[str, Array] = {}

    def write(self, name: str, place: Place, values: Array) -> None:
        """Keep values of shape (points, runs, times)."""
        p0, p1, r0, r1 = place
        if name not in self.values:
            shape = (self.plan.points, self.plan.runs, values.shape[2])
            self.values[name] = np.full(shape, np.nan)
        self.values[name][p0:p1, r0:r1] = values


class FilePaths:
    """Writes values of shape (point, run, time) to a file, chunk by chunk."""

    def __init__(self, path: str | Path, plan: Plan) -> None:
        self.path, self.plan = Path(path), plan
        self.failed = False
        self._file = _create(self.path, plan)
        self._arrays: dict[str, Any] = {}

    def write(self, name: str, place: Place, values: Array) -> None:
        """Write values of shape (points, runs, times); if that fails, say so once and go on."""
        if self.failed:
            return
        p0, p1, r0, r1 = place
        try:
            if name not in self._arrays:
                self._arrays[name] = self._variable(name, values.shape[2])
            self._arrays[name][p0:p1, r0:r1, :] = values
        except OSError as exc:
            self.failed = True
            warnings.warn(
                f"paths could not be written to {self.path} ({exc}): the file is incomplete from "
                f"point {p0}, run {r0} on; the summaries are not touched by this",
                RunWarning,
                stacklevel=2,
            )

    def close(self) -> None:
        """Finish the file."""
        if hasattr(self._file, "close"):
            self._file.close()

    def _variable(self, name: str, times: int) -> Any:
        shape = (self.plan.points, self.plan.runs, times)
        blocks = (1, min(self.plan.runs, self.plan.size), times)
        time = "time" if times > 1 or self.plan.time is not None else f"{name}_once"
        if self.path.suffix == ".zarr":
            array = self._file.create_array(
                name, shape=shape, dtype="f8", chunks=blocks, fill_value=np.nan
            )
            array.attrs["_ARRAY_DIMENSIONS"] = ["point", "run", time]
        else:
            self._file.dimensions.setdefault(time, times)
            array = self._file.create_variable(
                name, ("point", "run", time), "f8", chunks=blocks, fillvalue=np.nan
            )
        if time == "time" and "time" not in self._arrays:
            known = (
                self.plan.time if self.plan.time is not None else counted(times, self.plan.every)
            )
            self._arrays["time"] = self._coordinate("time", known)
        return array

    def _coordinate(self, name: str, values: Array) -> Any:
        if self.path.suffix == ".zarr":
            array = self._file.create_array(name, shape=values.shape, dtype="f8", fill_value=np.nan)
            array.attrs["_ARRAY_DIMENSIONS"] = [name]
        else:
            array = self._file.create_variable(name, (name,), "f8")
        array[:] = values
        return array


def _create(path: Path, plan: Plan) -> Any:
    """Make the file with the parameters of each point, and return it open for more."""
    points = xr.Dataset({name: ("point", column) for name, column in plan.columns.items()})
    points = points.set_coords(list(plan.columns))
    if path.exists():
        raise FileExistsError(f"{path} is there already; choose another name for the paths")
    try:
        if path.suffix == ".zarr":
            import zarr

            points.to_zarr(path, mode="w", zarr_format=2, consolidated=False)
            return zarr.open_group(path, mode="r+", zarr_format=2)
        if path.suffix == ".nc":
            import h5netcdf

            points.to_netcdf(path, engine="h5netcdf")
            file = h5netcdf.File(path, "a")
            file.dimensions.setdefault("run", plan.runs)
            return file
    except ImportError as exc:
        raise ImportError(f"paths to {path}: pip install 'depin-lib[storage]' ({exc})") from exc
    raise ValueError(f"paths is {str(path)!r}; allowed: True, or a name ending in .zarr or .nc")
