"""Masters of Spark, as computes.yml names them."""

from __future__ import annotations

import socket

import pytest

from dvt.core.errors import ClusterUnreachable
from dvt.core.libraries import SPARK, jar_folder, libraries
from dvt.core.plan import TableColumn, TransformTable
from dvt.core.ports.engines import EngineContext
from dvt.core.types import BIGINT
from dvt.drivers.duckdb import MemoryInstance
from dvt.engines.spark.configuration import all_settings, as_properties
from dvt.engines.spark.jars import config_with_jars, hadoop_among, own_hadoop, wanted
from dvt.engines.spark.masters import Master
from dvt.engines.spark.plans import reads_in_text
from dvt.engines.spark.settings import SparkSettings
from dvt.engines.spark.tables import TableNames
from tests.databases.engines import NOW


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("local", []),
        ("local[*]", []),
        ("local[16]", []),
        ("spark://a.example:7077", [("a.example", 7077)]),
        ("spark://a:7077,10.0.0.2:7078", [("a", 7077), ("10.0.0.2", 7078)]),
        ("spark://[::1]:7077", [("::1", 7077)]),
        ("yarn", []),
        ("k8s://https://host:443", []),
        ("k8s://host:6443", []),
    ],
)
def test_masters_of_each_kind_are_known(text, hosts):
    master = Master.parse(text)
    assert master.is_local == text.startswith("local")
    assert list(master.hosts) == hosts


@pytest.mark.parametrize(
    "text",
    ["", "local[a]", "spark://a", "spark://a:1,", "spark://u:p@a:1", "mesos://a:1", "k8s://", "yarn-cluster"],
)
def test_what_is_no_master_is_refused_with_what_is(text):
    with pytest.raises(ValueError, match=r"spark://host:7077"):
        Master.parse(text)


def test_one_of_several_masters_is_enough():
    """As it is for Spark, which asks for the one that leads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        Master.parse(f"spark://127.0.0.1:1,127.0.0.1:{port}").knock("cluster")
    with pytest.raises(
        ClusterUnreachable, match=f"no Spark answers at spark://127.0.0.1:1,127.0.0.1:{port}: "
    ):
        Master.parse(f"spark://127.0.0.1:1,127.0.0.1:{port}").knock("cluster")


def test_workers_reach_this_machine_at_the_address_that_leads_to_the_master():
    assert Master.parse("local[*]").own_address() == "127.0.0.1"
    assert Master.parse("spark://127.0.0.1:7077").own_address() == "127.0.0.1"
    assert Master.parse("spark://no-such-host.invalid:7077").own_address() is None
    assert Master.parse("yarn").own_address() is None


def settings_of(tmp_path, **keys) -> dict[str, str]:
    context = EngineContext(
        run="r1", scratch=tmp_path, duckdb=MemoryInstance(), started_at=NOW, default=False
    )
    settings = SparkSettings.model_validate(keys)
    return dict(all_settings(settings, context, tmp_path, settings.at.own_address()))


def test_what_users_set_for_a_cluster_is_passed_on(tmp_path):
    given = {
        "spark.driver.host": "gateway.example",
        "spark.cores.max": 4,
        "spark.executor.memory": "2g",
        "spark.kubernetes.container.image": "spark:4.1",
        "spark.redaction.regex": "mine",
    }
    for master in ("spark://127.0.0.1:7077", "yarn", "k8s://https://host:443"):
        passed = settings_of(tmp_path, master=master, config=given)
        assert {key: str(value) for key, value in given.items()}.items() <= passed.items()
        assert passed["spark.master"] == master
        assert passed["spark.submit.deployMode"] == "client"
        assert passed["spark.app.name"] == "dvt-r1"
        assert passed["spark.sql.ansi.enabled"] == "true"


def test_properties_are_read_as_they_were_written(tmp_path):
    assert as_properties({"a b": "c=d\\e\nf", "k": "!#:"}) == "a\\ b c\\=d\\\\e\\nf\nk \\!\\#\\:\n"


@pytest.mark.parametrize(
    ("remote", "url", "is_private"),
    [
        ("sc://spark.example:15002", "sc://spark.example:15002/;token=a%3Bb", False),
        ("sc://localhost:15002/", "sc://localhost:15002/;token=a%3Bb", True),
        ("sc://h:443/;use_ssl=true;user_id=me", "sc://h:443/;use_ssl=true;user_id=me;token=a%3Bb", True),
    ],
)
def test_a_server_is_told_the_token_and_texts_are_not(remote, url, is_private):
    settings = SparkSettings(remote=remote, token="a;b")
    assert (settings.url, settings.is_private) == (url, is_private)
    assert "a;b" not in repr(settings)


def test_jars_are_files_beside_computes_yml_or_coordinates(tmp_path):
    (tmp_path / "own.jar").touch()
    jars = ["own.jar", "g:a:1", "https://store.example/b.jar"]
    keys = {"jars": jars, "config": {"spark.jars.packages": "x:y:2"}}
    settings = SparkSettings.model_validate(keys, context={"folder": tmp_path})
    assert config_with_jars(settings, (), None) == {
        "spark.jars": f"{tmp_path / 'own.jar'},https://store.example/b.jar",
        "spark.jars.packages": "x:y:2,g:a:1",
    }


def install(coordinates: str, *files: str) -> list[str]:
    folder = jar_folder(coordinates, libraries() / SPARK)
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).touch()
    return [str(folder / file) for file in files]


def test_jars_that_sync_has_installed_are_taken_instead_of_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    own = install("g:a:1", "a.jar", "same.jar")
    connector = install("org.apache.hadoop:hadoop-aws:3.4.2", "hadoop-aws.jar", "same.jar")
    settings = SparkSettings(master="spark://h:7077", jars=["g:a:1", "g:b:1"])
    buckets = ("org.apache.hadoop:hadoop-aws:{hadoop}", "org.apache.hadoop:hadoop-azure:{hadoop}")
    assert config_with_jars(settings, buckets, "3.4.2") == {
        "spark.jars": ",".join([*own, connector[0]]),
        "spark.jars.packages": "g:b:1",
    }, "Spark takes one file of a name; what is not installed is DVT196 once a model needs it"
    assert "spark.jars" not in config_with_jars(SparkSettings(), buckets, "3.4.2"), "copies do"


def test_a_connector_that_computes_yml_names_is_not_taken_twice():
    buckets = ("org.apache.hadoop:hadoop-aws:{hadoop}", "x:gcs-connector:2:shaded")
    settings = SparkSettings(master="yarn", jars=["org.apache.hadoop:hadoop-aws:3.4.1"])
    assert wanted(settings, buckets, "3.4.2") == ("x:gcs-connector:2:shaded",)
    assert wanted(SparkSettings(remote="sc://h:15002"), buckets, "3.4.2") == ()


def test_the_installed_spark_tells_its_hadoop():
    found = own_hadoop()
    assert found
    assert found.startswith("3.")
    assert hadoop_among(["scala-library-2.13.jar", "hadoop-client-api-3.5.0.jar"]) == "3.5.0"
    assert hadoop_among([]) is None


PLAN = """\
== Physical Plan ==
* Project (3)

(1) Scan parquet spark_catalog.{0}.dvt_base
Output [2]: [c0#1, c1#2]
Batched: true
Location: InMemoryFileIndex [file:/w]
ReadSchema: struct<c0:decimal(10,2),c1:struct<a:int,c2:map<string,int>>>

(2) Scan parquet spark_catalog.{1}.dvt_base
Output: []
Batched: true
ReadSchema: struct<>


"""


def test_the_text_of_a_plan_tells_what_is_read():
    kept = TableNames.new([table("c0", "c1", "c2"), table("c0"), table("c0")])
    plan = PLAN.format(kept.schema(0), kept.schema(1))
    assert reads_in_text(plan, kept) == (frozenset({"c0", "c1"}), frozenset(), None)
    looped = plan.replace("* Project (3)", "* Project (3)\n+- UnionLoop (4)")
    everything = frozenset({"c0", "c1", "c2"}), frozenset({"c0"}), frozenset({"c0"})
    assert reads_in_text(looped, kept) == everything, "the plan does not show what is below"
    odd = plan.replace("c0:decimal", "c0 > of>:decimal")
    assert reads_in_text(odd, kept)[0] == frozenset({"c0", "c1", "c2"})


def table(*surrogates: str) -> TransformTable:
    columns = tuple(TableColumn(name=name, surrogate=name, type=BIGINT) for name in surrogates)
    return TransformTable(name="t", alias="t", columns=columns)
