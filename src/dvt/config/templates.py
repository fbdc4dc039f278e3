"""The files that `dvt init` writes where there are none: what works at once, the rest as comments."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from dvt.config.bucket_types import BUCKETS

_HEAD = """\
# The places in which runs stage what moves between databases: profile → its buckets.
# docs/reference/buckets.md has every key. `dvt parse` checks this file, `dvt debug` tests the buckets.
{profile}:
  target: local # the bucket that is used where nothing else is said
  buckets:
    # A folder of this machine; without a path, .dvt/staging of the project.
    local:
      type: filesystem
      # path: /fast/staging
"""
_OTHERS: Mapping[str, str] = {
    "s3": """\
# Amazon S3, or a store that speaks its protocol. Without keys, the machine's own credentials are used.
s3:
  type: s3
  bucket: team-staging
  prefix: dvt
  region: eu-west-1
  # access_key_id: ${AWS_ACCESS_KEY_ID}
  # secret_access_key: ${AWS_SECRET_ACCESS_KEY}
  # endpoint: https://store.example:9000
""",
    "gcs": """\
# Google Cloud Storage. Without a key, the application default credentials are used.
gcs:
  type: gcs
  bucket: team-staging
  prefix: dvt
  project: team-data
  # credentials_path: dvt-staging.json
""",
    "azure": """\
# Azure Blob Storage. Without a key, the machine's own identity is used.
azure:
  type: azure
  storage_account: teamdata
  container: staging
  prefix: dvt
  # account_key: ${AZURE_STORAGE_KEY}
""",
    "hdfs": """\
# HDFS; the name of a name node, or of a high-availability service.
hdfs:
  type: hdfs
  path: hdfs://namenode:8020/user/dvt/staging
""",
}
"""Type → an entry, which is written as a comment if this version of dvt has the type."""
_COMPUTES = """\
# The engines that compute models over several databases: profile → its computes.
# docs/reference/computes.md has every key.
{profile}:
  target: auto # each model where that moves the least: on its target, at its source, or in an engine
  # computes:
  #   local:
  #     type: duckdb
  #     memory_limit: 8GB
  #     threads: 4
  #     temp_directory: /fast/disk
"""
_PROFILES = """\
# The databases: profile → its outputs. docs/reference/outputs.md has every type and key.
{profile}:
  target: dev # the output that models are built on where nothing else is said
  outputs:
    dev:
      type: duckdb
      path: {profile}.duckdb

    # erp:
    #   type: postgres
    #   host: db.example
    #   port: 5432
    #   user: dvt
    #   password: "{{{{ env_var('ERP_PASSWORD') }}}}"
    #   dbname: erp
    #   schema: analytics
"""


def templates(profile: str) -> dict[str, str]:
    """Return the name of each file, and its content for a profile."""
    return {
        "profiles.yml": _PROFILES.format(profile=profile),
        "buckets.yml": _buckets(profile),
        "computes.yml": _COMPUTES.format(profile=profile),
    }


def _buckets(profile: str) -> str:
    entries = [textwrap.indent(text, "    # ") for kind, text in _OTHERS.items() if kind in BUCKETS]
    return "\n".join([_HEAD.format(profile=profile), *entries])
