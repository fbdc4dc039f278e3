"""`make spark-demo`: a cluster of Spark from packages, and the shop of examples/shop on it.

A master and two workers are started on this machine, the federated models of a copy of the shop are computed
there, and all of it is ended. Given a folder, the copy is made there.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from demo import RESULT, SHOP, run_steps

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.stores.spark import SparkCluster, spark_cluster

ON_SPARK = ("activity", "customer_value", "dim_customers")
"""Models of the folder `core` that Spark computes; `audience` is one of the folder `marketing`."""
_SOON = "-XX:TieredStopAtLevel=1"
"""Lets Java start sooner, and compute slower in the long run, to which the shop does not come."""
CONFIG = {
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": 4,
    "spark.driver.extraJavaOptions": _SOON,
    "spark.executor.extraJavaOptions": _SOON,
}
STEPS = (
    (
        "Customers in SQLite, orders in a DuckDB file, 1.2 million page views in Parquet files.",
        "python generate.py",
    ),
    (
        "One build. Models over several databases are Spark's; the others stay where their tables are.",
        "dvt build",
    ),
    (
        "The resulting table.",
        f'dvt show --quiet --limit 10 --inline "{RESULT}"',
    ),
)


def main(folder: Path) -> int:
    """Build the shop in a folder, on a cluster that ends with the demo."""
    began = time.monotonic()
    print("# A master and two workers of Spark, from the package pyspark", flush=True)
    with spark_cluster() as cluster:
        print(
            f"  {cluster.url} after {time.monotonic() - began:.0f} s; its page is {page(cluster)}", flush=True
        )
        prepare(folder, cluster.url)
        code = run_steps(STEPS, folder)
        if code == 0:
            report(cluster, folder)
    print(f"\nAll in all {time.monotonic() - began:.0f} s. The cluster has ended.")
    return code


def prepare(folder: Path, url: str) -> None:
    """Copy the shop, and let Spark compute its federated models."""
    ignored = shutil.ignore_patterns("data", "target", ".dvt", "logs", "__pycache__")
    shutil.copytree(SHOP, folder, dirs_exist_ok=True, ignore=ignored)
    entry = {
        "shop": {
            "target": "duckdb",
            "computes": {"cluster": {"type": "spark", "master": url, "config": CONFIG}},
        }
    }
    (folder / "computes.yml").write_text(json.dumps(entry, indent=2), encoding="utf-8")
    project = (folder / "dbt_project.yml").read_text(encoding="utf-8")
    on_spark = "{+compute: cluster, +dialect: spark}"
    core = "".join(f"      {name}: {on_spark}\n" for name in ON_SPARK)
    marketing = "      +target: marketing\n"
    changed = project.replace(marketing, f"{marketing}      audience: {on_spark}\n    core:\n{core}")
    (folder / "dbt_project.yml").write_text(changed, encoding="utf-8")


def report(cluster: SparkCluster, folder: Path) -> None:
    """Say what the cluster has done, and where to look."""
    print("\n# What the cluster has computed, as its master says")
    for application in cluster.state()["completedapps"]:
        print(f"  {describe(application)}")
    models = ", ".join([*ON_SPARK, "audience"])
    print(f"\n  {models}: computed by Spark, over what dvt had staged; each is in its target's database.")
    print(f"\nWhere to look:\n  {folder}/computes.yml      names the cluster")
    print(f"  {folder}/dbt_project.yml   says which models are Spark's")
    print(f"  {folder}/logs/dbt.log      has each step of each model")
    print("  docs/how-to/compute-on-spark.md    says how to do this with your own cluster")


def page(cluster: SparkCluster) -> str:
    """Return the address of the master's page, while the cluster runs."""
    return f"http://127.0.0.1:{cluster.web}"


def describe(application: dict[str, Any]) -> str:
    """Return a line about an application: a run of dvt."""
    seconds = application["duration"] / 1000
    name, cores, state = application["name"], application["cores"], application["state"]
    return f"{application['id']}  {name}  {cores} cores  {seconds:.0f} s  {state}"


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="dvt-shop-on-spark-")
    sys.exit(main(Path(chosen)))
