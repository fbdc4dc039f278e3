"""buckets.yml: where it is looked for, which forms it may have, and errors that name line, key and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import AliasChoices, Field

from dvt.config.buckets import (
    BUCKETS,
    BucketEntry,
    get_all_buckets_for_profile,
    get_bucket_for_profile,
    load_buckets,
)
from dvt.core.compression import SNAPPY, ZSTD, Compression
from dvt.core.errors import BucketsInvalid, SeveralErrors, UnknownBucket
from dvt.core.ports.staging import BucketSettings

GOOD = """\
shop:
  target: lake
  buckets:
    lake:
      type: s3
      bucket: team-staging
      prefix: /dvt/{profile}/
      region: eu-west-1
      aws_access_key_id: ${DVT_TEST_ID}
      secret_access_key: "{{ env_var('DVT_TEST_SECRET') }}"
      compression: zstd:3
    disk: {type: filesystem, path: /fast/staging}
    here: {type: filesystem}
other:
  outputs:
    only: {type: s3, bucket: b}
"""
SECRETS = ("k3y-id", "s3cr3t")


class StoreSettings(BucketSettings):
    """Keys as a store's bucket has them."""

    bucket: str
    region: str | None = None
    endpoint: str | None = None
    access_key_id: str | None = Field(
        default=None, validation_alias=AliasChoices("access_key_id", "aws_access_key_id")
    )
    secret_access_key: str | None = Field(
        default=None, validation_alias=AliasChoices("secret_access_key", "aws_secret_access_key")
    )


class Store:
    settings = StoreSettings


class HdfsSettings(BucketSettings):
    path: str
    config: dict[str, str | int] = {}


class Hdfs:
    settings = HdfsSettings


class Plain:
    """A type of another package that has no model."""


@pytest.fixture(autouse=True)
def types(monkeypatch):
    for name, of in {"s3": Store, "hdfs": Hdfs, "plain": Plain}.items():
        monkeypatch.setitem(BUCKETS._own, name, f"{__name__}:{of.__name__}")
    monkeypatch.setattr(BUCKETS, "_merged", None)
    monkeypatch.setenv("DVT_TEST_ID", SECRETS[0])
    monkeypatch.setenv("DVT_TEST_SECRET", SECRETS[1])


@pytest.fixture
def write(tmp_path):
    def write(text, folder="profiles", profile="shop"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "buckets.yml").write_text(text)
        return load_buckets(profile, tmp_path / "profiles", project_dir=tmp_path / "project", home=tmp_path)

    return write


def only(write, entry):
    """Load a file whose only bucket has these keys."""
    return write(f"shop: {{buckets: {{a: {entry}}}}}").get("a")


def test_a_profile_gets_its_own_buckets_and_the_projects_folder(write):
    buckets = write(GOOD)
    assert set(buckets.entries) == {"lake", "disk", "here", "local"}
    lake = buckets.get()
    assert (lake.name, lake.kind, lake.compression) == ("lake", "s3", Compression("zstd", 3))
    assert lake.settings == {
        "bucket": "team-staging",
        "prefix": "dvt/shop/",
        "region": "eu-west-1",
        "access_key_id": SECRETS[0],
        "secret_access_key": SECRETS[1],
    }
    assert buckets.get("disk").settings == {"path": "/fast/staging"}
    assert (lake.is_shared, buckets.get("disk").is_shared) == (True, True)
    assert not buckets.get("here").is_shared


@pytest.mark.parametrize(
    "text", ["", "other: {buckets: {a: {type: filesystem}}}", "shop:", "shop: {buckets: }"]
)
def test_a_profile_without_buckets_has_the_projects_own_folder(write, text):
    assert write(text).get() == BucketEntry("local")
    assert not write(text).get().is_shared


def test_without_a_file_the_projects_own_folder_is_the_bucket(tmp_path):
    buckets = load_buckets("shop", tmp_path, home=tmp_path)
    assert (buckets.get(), list(buckets.entries)) == (BucketEntry("local"), ["local"])
    with pytest.raises(UnknownBucket, match=r"there is no buckets\.yml, so only the project's own folder"):
        buckets.get("lake")


def test_the_home_file_counts_only_when_none_lies_beside_the_profile(write):
    assert write("shop: {buckets: {home: {type: filesystem}}}", folder=".dvt").default == "home"
    assert write(GOOD).default == "lake"


def test_the_key_outputs_means_buckets(write):
    assert write(GOOD, profile="other").get().settings == {"bucket": "b"}


def test_the_only_bucket_is_the_one_in_use(write):
    assert write("shop: {buckets: {a: {type: filesystem}}}").default == "a"


def test_a_bucket_of_the_projects_own_folder_may_be_named_beside_others(write):
    assert write(GOOD.replace("target: lake", "target: local")).get() == BucketEntry("local")


def test_an_unknown_bucket_names_the_nearest(write):
    with pytest.raises(UnknownBucket, match="did you mean 'lake'") as caught:
        write(GOOD).get("lak")
    assert caught.value.code == "DVT148"


def test_the_form_with_a_version_is_mapped(write):
    buckets = write(
        "version: 1\ndefault: {type: s3, bucket: b, region: x}\n"
        "adapters:\n  redshift: {type: s3, bucket: r, iam_role: arn}\n  snowflake: {type: filesystem}\n"
    )
    assert set(buckets.entries) == {"default", "redshift", "snowflake", "local"}
    assert (buckets.get().name, buckets.get("redshift").settings) == ("default", {"bucket": "r"})
    named = write("version: 1\ndefault: a\nadapters: {a: {type: filesystem}, b: {type: filesystem}}")
    assert named.default == "a"


def test_a_project_id_is_read(write):
    assert write("shop: {project_id: retail, buckets: {a: {type: filesystem}}}").project_id == "retail"
    assert write(GOOD).project_id is None


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("type: s3\n", "type: s4\n", 5, r"Invalid bucket type 's4' in shop.lake. Must be one of: "),
        ("      type: s3\n", "", 4, r"shop.lake has no type. Must be one of: "),
        ("      bucket: team-staging\n", "", 4, "required fields for s3 bucket 'shop.lake': bucket"),
        ("{type: s3, bucket: b}", "{type: hdfs}", 16, "HDFS bucket 'only' requires 'path' configuration"),
        ("region:", "regoin:", 8, "regoin: no such key here; did you mean 'region'"),
        ("zstd:3", "zstd:23", 11, "level of zstd should be a whole number from 1 to 22"),
        ("zstd:3", "gzip:3", 11, "gzip has no levels"),
        ("zstd:3", "lz4", 11, "should be one of: zstd, snappy, gzip, none"),
        ("zstd:3", "3", 11, "should be a text"),
        ("{profile}", "{date}", 7, "a prefix has no {date}, since later runs look there"),
        ("{profile}", "{target}", 7, "{target} has no meaning here; a prefix may have {profile}"),
        ("{profile}", "..", 7, "should be names with / between them"),
        ("path: /fast/staging", "path: fast", 12, "path: should be an absolute path"),
        ("path: /fast/staging", "path: /", 12, "this is the root of the file system"),
        ("target: lake", "target: lak", 2, "target 'lak' of profile 'shop' is none of its buckets"),
        ("  target: lake\n", "", 1, "no `target` that names the one in use: lake, disk, here"),
        ("target:", "tarket:", 2, "tarket: no such key here; did you mean 'target'"),
        ("target: lake", "target: [lake]", 2, "target: input should be a valid string"),
        ("  outputs:", "  buckets:\n  outputs:", 16, "both `buckets` and `outputs`, which mean the same"),
        ("disk: {type", "lake: {type", 12, "'lake' stands here twice"),
        ("    disk: {type: filesystem, path: /fast/staging}", "    disk: 3", 12, "should be a mapping"),
        ("{type: filesystem}", "{type: filesystem, auth: key}", 13, "auth: input should be 'default'"),
        ("type: s3\n", "type: s3\n      auth: default\n", 6, "excludes access_key_id, secret_access_key"),
        ("other:", "version: 1\nother:", 1, "shop: a file with `version` has `default` and `adapters`"),
    ],
)  # fmt: skip
def test_an_error_in_buckets_yml_names_line_and_key(write, old, new, line, problem):
    assert old in GOOD
    with pytest.raises((BucketsInvalid, SeveralErrors)) as caught:
        write(GOOD.replace(old, new, 1))
    errors = getattr(caught.value, "errors", [caught.value])
    assert problem in errors[0].message
    assert (errors[0].code, errors[0].line) == ("DVT114", line)
    assert Path(errors[0].path).name == "buckets.yml"
    assert errors[0].hint


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("shop:\n\tbuckets:\n", 2, "a tab stands here; YAML is indented with spaces"),
        (
            "shop:\n  buckets:\n  lake: {type: s3}\n",
            3,
            "shop.lake: a bucket stands below `buckets:`, indented",
        ),
        ("shop:\n  buckets:\n    a:\n    type: s3\n      bucket: b\n", 5, "does not fit those above"),
        ("shop:\n  buckets:\n    a:\n      type: s3\n     bucket: b\n", 5, "does not fit those above"),
        (
            "target: a\nbuckets:\n  a: {type: s3}\n",
            2,
            "'buckets' stands at the top, and belongs below the name",
        ),
        ("- a\n", 1, "should begin with the name of a profile"),
        ("shop: 3", 1, "shop: should be a mapping"),
        ("shop: {buckets: [a]}", 1, "shop.buckets: should be a mapping"),
        ("shop: [\n", 2, "expected"),
        ("shop: {buckets: {a: {type: s3, bucket: ${B}}}}", 1, "a value that has { in it needs quotes here"),
        ("version: 2\ndefault: {type: filesystem}", 1, "version should be 1"),
        ("version: 1\nadapters: [a]", 2, "adapters: should be a mapping"),
        ("version: 1\ndefault: a\nadapters: {a: 3}", 3, "adapters.a: should be a bucket"),
    ],
)
def test_a_file_of_another_shape_is_told_what_it_should_be(write, text, line, problem):
    with pytest.raises(BucketsInvalid) as caught:
        write(text)
    assert problem in caught.value.message
    assert caught.value.line == line


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "buckets.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BucketsInvalid, match="cannot be read"):
        load_buckets("shop", tmp_path, home=tmp_path)


def test_all_errors_of_a_file_are_told_at_once(write):
    with pytest.raises(SeveralErrors) as caught:
        write(
            "shop:\n  buckets:\n    a: {type: s4}\n"
            "    b: {type: s3, regoin: x, prefix: a//b, compression: x}\n"
            "    c: {type: filesystem, path: relative}\nother: {buckets: {d: {type: filesystem, x: 1}}}\n"
        )
    lines = sorted(error.line for error in caught.value.errors)
    assert lines == [3, 4, 4, 4, 4, 5, 6]


def test_no_error_shows_a_value_of_a_secret(write):
    text = GOOD.replace("bucket: team-staging", "bucket: [x]").replace("region:", "regoin:")
    with pytest.raises(SeveralErrors) as caught:
        write(text)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    assert not [secret for secret in SECRETS if secret in repr(write(GOOD))]


def test_a_variable_that_is_not_set_is_an_error_of_the_bucket_that_is_used(write, monkeypatch):
    monkeypatch.delenv("DVT_TEST_ID")
    monkeypatch.delenv("DVT_TEST_SECRET")
    buckets = write(GOOD)
    assert buckets.get("disk").checked().settings
    with pytest.raises(SeveralErrors) as caught:
        buckets.get("lake").checked()
    assert [(error.line, error.message.partition(": ")[2]) for error in caught.value.errors] == [
        (9, "environment variable DVT_TEST_ID is not set"),
        (10, "environment variable DVT_TEST_SECRET is not set"),
    ]


def test_type_and_names_of_keys_are_checked_without_the_variables(write):
    text = "shop:\n  buckets:\n    a: {type: s3, bucket: '${DVT_TEST_NONE}', regoin: x}\n"
    with pytest.raises(BucketsInvalid, match="regoin: no such key here; did you mean 'region'"):
        write(text)
    with pytest.raises(BucketsInvalid, match=r"Invalid bucket type 's4' in shop\.a"):
        write(text.replace("s3", "s4").replace("regoin", "region"))
    assert write(text.replace("type: s3", "type: '${DVT_TEST_NONE}'")).get("a").errors


def test_a_variable_that_is_not_set_is_an_error_in_the_target(write):
    with pytest.raises(BucketsInvalid, match="DVT_TEST_NONE is not set") as caught:
        write(GOOD.replace("target: lake", "target: ${DVT_TEST_NONE}"))
    assert caught.value.line == 2
    assert write(GOOD.replace("target: lake", "target: ${DVT_TEST_NONE}"), profile="other").default == "only"


def test_a_default_of_env_var_is_taken(write):
    text = GOOD.replace("${DVT_TEST_ID}", "\"{{ env_var('DVT_TEST_NONE', 'me') }}\"")
    assert write(text).get().settings["access_key_id"] == "me"


def test_a_secret_that_stands_in_the_file_is_a_warning_without_it(write):
    assert write(GOOD).notices == ()
    text = GOOD.replace("\"{{ env_var('DVT_TEST_SECRET') }}\"", "hunter2")
    (notice,) = write(text).notices
    assert notice.code == "DVT027"
    assert "buckets.yml, line 10: shop.buckets.lake.secret_access_key is a secret" in notice.message
    assert "hunter2" not in str(notice)
    assert write(text, profile="other").notices == ()


def test_a_secret_in_a_mapping_is_a_warning_and_its_public_parts_are_not(write):
    config = "{fs.s3a.secret.key: hunter2, private_key_id: 7, private_key: '${DVT_TEST_SECRET}'}"
    (notice,) = write(f"shop: {{buckets: {{a: {{type: hdfs, path: x, config: {config}}}}}}}").notices
    assert "shop.buckets.a.config.fs.s3a.secret.key is a secret" in notice.message


def test_a_recommended_key_that_is_missing_is_a_warning_of_that_bucket(write):
    assert write(GOOD).get("lake").notices == ()
    (notice,) = write(GOOD.replace("      region: eu-west-1\n", "")).get("lake").notices
    assert notice.code == "DVT028"
    assert "line 4: bucket shop.lake has no region" in notice.message
    assert only(write, "{type: s3, bucket: b, endpoint: 'http://localhost'}").notices == ()


def test_compression_by_default_is_the_fastest_here_and_smaller_on_the_way(write):
    assert only(write, "{type: filesystem}").compression == SNAPPY
    assert only(write, "{type: s3, bucket: b}").compression == ZSTD
    assert only(write, "{type: s3, bucket: b, compression: none}").compression == Compression("none")


@pytest.mark.parametrize(
    ("prefix", "normal"),
    [("dvt", "dvt/"), ("/a/b/", "a/b/"), ("", ""), ("/", ""), ("{profile}-x", "shop-x/")],
)
def test_a_prefix_ends_with_a_slash(write, prefix, normal):
    assert only(write, f"{{type: filesystem, prefix: '{prefix}'}}").settings["prefix"] == normal


def test_a_type_of_another_package_without_a_model_has_the_keys_of_all(write):
    entry = only(write, "{type: plain, compression: gzip, prefix: x}")
    assert (entry.settings, entry.compression) == ({"prefix": "x/"}, Compression("gzip"))
    with pytest.raises(BucketsInvalid, match="path: no such key here"):
        only(write, "{type: plain, path: x}")


class TestPathOfAFolder:
    def problem(self, write, path):
        with pytest.raises(BucketsInvalid) as caught:
            only(write, f"{{type: filesystem, path: '{path}'}}")
        return caught.value.message

    def test_it_is_no_home_and_no_folder_above_one(self, write, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path / "homes" / "me"))
        for path in ("~", tmp_path / "homes" / "me", tmp_path / "homes", tmp_path):
            assert "is your home folder, or holds it" in self.problem(write, path)

    def test_it_is_not_the_project_and_no_folder_above_it(self, write, tmp_path):
        assert "is the project, or holds it" in self.problem(write, tmp_path / "project")
        assert "is the project, or holds it" in self.problem(write, tmp_path)

    def test_it_is_no_link_not_even_one_to_a_good_folder(self, write, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "folder")
        assert "is a link; name the folder itself" in self.problem(write, tmp_path / "link")

    def test_it_is_no_link_to_the_project(self, write, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "project")
        assert "is the project" in self.problem(write, tmp_path / "link")

    def test_it_has_no_steps_upwards(self, write, tmp_path):
        assert "should have no '..'" in self.problem(write, tmp_path / "x" / ".." / "y")

    def test_a_folder_of_its_own_is_taken(self, write, tmp_path):
        assert only(write, f"{{type: filesystem, path: {tmp_path}/x}}").settings == {"path": f"{tmp_path}/x"}
        inside = tmp_path / "project" / "staged"
        assert only(write, f"{{type: filesystem, path: {inside}}}").settings == {"path": str(inside)}

    def test_a_tilde_is_the_home_folder(self, write, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert only(write, "{type: filesystem, path: ~/x}").settings == {"path": f"{tmp_path}/x"}


def test_the_buckets_of_a_profile_are_given_to_programs(write, tmp_path):
    write(GOOD)
    at = {"profiles_dir": tmp_path / "profiles", "home": tmp_path}
    assert get_bucket_for_profile("shop", **at).name == "lake"
    assert get_bucket_for_profile("shop", "disk", **at).kind == "filesystem"
    assert get_bucket_for_profile("shop", "none", **at) is None
    assert {"lake", "disk", "here"} == set(get_all_buckets_for_profile("shop", **at))


@pytest.mark.parametrize("text", [None, GOOD])
def test_a_missing_file_or_profile_has_no_buckets_and_is_no_error(write, tmp_path, text):
    if text:
        write(text)
    at = {"profiles_dir": tmp_path / "profiles", "home": tmp_path}
    assert get_bucket_for_profile("nobody", **at) is None
    assert get_all_buckets_for_profile("nobody", **at) == {}
