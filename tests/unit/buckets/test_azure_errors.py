"""What Azure's libraries raise becomes an error of dvt's, without what is secret."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from dvt.buckets.azure.errors import Translator
from dvt.core.errors import BucketBusy, BucketFailed, BucketLoginRefused, BucketRefused, ObjectDamaged

ERRORS = Translator("lake", "abfss://lake@acct", ("s3cret",))


def test_what_the_directory_of_users_says_is_told():
    said = "Authentication failed: AADSTS7000215: Invalid client secret s3cret.\nTrace ID: 1\nMore"
    with (
        pytest.raises(BucketLoginRefused, match=r"AADSTS7000215: Invalid client secret \*\*\*\.") as error,
        ERRORS.translating("listing ''"),
    ):
        raise ClientAuthenticationError(said)
    assert "Trace" not in str(error.value)


def test_an_error_of_the_network_without_a_cause_does_not_show_its_address():
    with pytest.raises(Exception, match="the connection broke") as error, ERRORS.translating("listing ''"):
        raise HttpResponseError("GET https://acct.blob.core.windows.net/?sig=abc failed")
    assert "sig" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", BucketLoginRefused),
        (403, "AuthenticationFailed", BucketLoginRefused),
        (403, "AuthorizationPermissionMismatch", BucketRefused),
        (408, "", BucketBusy),
        (429, "", BucketBusy),
        (500, "InternalError", BucketBusy),
        (501, "", BucketFailed),
        (400, "Md5Mismatch", ObjectDamaged),
        (400, "InvalidUri", BucketFailed),
    ],
)
def test_an_answer_has_one_error(status, code, kind):
    error = ERRORS.answered(status, code, "Said s3cret.", "putting 'run/x'")
    assert type(error) is kind
    assert "s3cret" not in str(error)
