from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dvt.core.file_names import as_path, as_text


@given(st.binary(max_size=255))
def test_any_name_is_read_back(path: bytes):
    text = as_text(path)
    assert as_path(text) == path
    assert text.isprintable()
    text.encode()


@given(st.text(max_size=50))
def test_any_text_is_read_back(path: str):
    assert as_path(as_text(path.encode("utf-8", "surrogatepass"))) == path.encode("utf-8", "surrogatepass")


def test_what_reads_well_stays():
    assert as_text("/data/Übersicht 2026.json".encode()) == "/data/Übersicht 2026.json"


def test_what_misleads_is_escaped():
    assert as_text("a\u202egnp.exe".encode()) == "a\\xe2\\x80\\xaegnp.exe"
    assert as_text(b"a\nb\\x41") == "a\\x0ab\\\\x41"
