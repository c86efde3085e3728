"""A results file opens in h5py, xarray and pandas, without help from us.

    opens_without_help.py WINDTUNNEL SOURCE

Runs a short drill, runs the Python lines of analysis/README.md as they stand there, and compares
what the libraries read with what `windtunnel show` and `windtunnel export` say.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import h5py
import matplotlib
import numpy as np
import pandas as pd
import xarray as xr

matplotlib.use("Agg")
windtunnel, source = sys.argv[1:3]


def run(*arguments):
    """What the program prints; exit codes 0, 1 and 3 are verdicts."""
    done = subprocess.run([windtunnel, *arguments], capture_output=True, text=True)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.stdout


def check_lines_of_readme():
    with open(os.path.join(source, "analysis/README.md")) as readme:
        blocks = re.findall(r"```python\n(.*?)```", readme.read(), re.DOTALL)
    assert blocks, "analysis/README.md shows no Python"
    assert blocks[0].count("\n") == 5, "five lines were promised"
    for block in blocks:
        exec(block, {})
    assert os.path.getsize("latency.png") > 10_000, "no figure was drawn"


def check_axes_and_attributes(path):
    with h5py.File(path) as file:
        numbers = []
        file.visititems(lambda name, item: numbers.append(item) if isinstance(item, h5py.Dataset) else None)
        for dataset in numbers:
            if dataset.name in ("/experiment/input_text", "/experiment/configuration"):
                continue
            is_scale = dataset.attrs.get("CLASS") == b"DIMENSION_SCALE"
            assert is_scale or all(len(axis) == 1 for axis in dataset.dims), dataset.name
            if dataset.size > 0 and dataset.ndim > 0:
                assert dataset.chunks and dataset.compression, dataset.name
        series = file["series/web-alb/RequestCount.Sum"]
        assert series.attrs["units"] == b"Count" and series.attrs["metric"] == b"RequestCount"
        assert b"requests" in series.attrs["long_name"]
        assert "az_power_loss" in file["experiment/input_text"][0].decode()
        configuration = json.loads(file["experiment/configuration"][0])
        assert configuration["components"]["db"]["aurora_cluster"]["readers"] == "2"
        for name in ("program_version", "schema_version", "machine", "seed"):
            assert name in file["experiment"].attrs, name


def check_numbers(path, verdict):
    summary = xr.open_dataset(path, group="summary", engine="h5netcdf")
    rto = summary["rto"].values / np.timedelta64(1, "s")
    assert np.allclose(rto, verdict["measures"]["rto"]["values"])
    series = xr.open_dataset(path, group="series/users", engine="h5netcdf")
    assert series.dims == {"replication": 3, "time": 120}, series.dims
    assert series["time"].dtype == "datetime64[ns]"  # the CF convention's dates
    assert np.isfinite(series["Requests.Sum"]).all()
    requests = series["Requests.Sum"].sum("time").mean().item()
    assert abs(requests - verdict["components"]["users"]["Requests"]) < 0.5
    histogram = xr.open_dataset(path, group="histograms/users", engine="h5netcdf")
    ended = histogram["RequestLatency"].sum("latency")
    assert (ended == series["RequestLatency.SampleCount"].sum("time")).all()
    windows = xr.open_dataset(path, group="windows", engine="h5netcdf")
    ratio = windows["good"].sum().item() / windows["arrived"].sum().item()
    assert abs(ratio - verdict["measures"]["availability"]["good_requests"] /
               verdict["measures"]["availability"]["decided_requests"]) < 1e-12


def check_tables(path):
    run("export", path, "--csv", "tables")
    parts = pd.read_csv("tables/rto_parts.csv")
    measures = pd.read_csv("tables/measures.csv").set_index("replication")
    sums = parts.groupby("replication")["length_seconds"].sum()
    assert np.allclose(sums, measures["rto_seconds"])
    with h5py.File(path) as file:
        events = pd.DataFrame({name: file["events"][name][:] for name in file["events"]})
    assert (events["milestone"] == b"fault").sum() == 3
    long = pd.read_csv("tables/series/web-alb.csv")
    assert len(long) == 3 * 120 and {"replication", "time_seconds"} <= set(long.columns)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    run("run", os.path.join(source, "experiments/library/az_loss_web.yaml"), "--replications", "3",
        "--horizon", "20min")
    results = "results/az_loss_web.h5"
    verdict = json.loads(run("show", results, "--format", "json"))
    check_lines_of_readme()
    check_axes_and_attributes(results)
    check_numbers(results, verdict)
    check_tables(results)
