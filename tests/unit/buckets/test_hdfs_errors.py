"""Errors of hdfs-native, by the texts that it gives: no cluster of the tests has logins that expire."""

from __future__ import annotations

import pytest

from dvt.buckets.hdfs.errors import Translator
from dvt.core.errors import BucketBusy, BucketLoginRefused

SECRETS = "org.apache.hadoop.security.token.SecretManager"
TOKEN = "token (token for dvt: HDFS_DELEGATION_TOKEN owner=dvt, sequenceNumber=7) is expired"
TRACE = "\\n\\tat org.apache.hadoop.ipc.Server.call(Server.java:1)"
LOGINS = {
    "a delegation token": f'RPCError("{SECRETS}$InvalidToken", "{TOKEN}{TRACE}")',
    "a ticket": 'GSSAPIError(Major, 1, "Ticket expired")',
    "no ticket": 'SASLError("No valid credentials")',
}
BUSY = {
    "throttled": 'RPCError("org.apache.hadoop.ipc.RetriableException", "Server too busy")',
    "queue": 'RPCError("org.apache.hadoop.ipc.RpcServerException", "Server is too busy.")',
}


def translated(text: str) -> Exception:
    return Translator("lake", "hdfs://name-node:8020/dvt", ()).translated(
        RuntimeError(text), "putting 'run/x'"
    )


@pytest.mark.parametrize("case", LOGINS)
def test_a_login_that_has_expired_is_named_with_what_to_do(case: str) -> None:
    error = translated(LOGINS[case])
    assert isinstance(error, BucketLoginRefused), error
    assert "kinit" in error.hint
    assert "java:1" not in str(error)


@pytest.mark.parametrize("case", BUSY)
def test_a_name_node_that_throttles_is_busy(case: str) -> None:
    error = translated(BUSY[case])
    assert isinstance(error, BucketBusy)
    assert error.transient
