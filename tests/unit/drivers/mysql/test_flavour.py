"""Product, version and types, read from a server's version. MySQL's are from its manual: it was not run."""

from __future__ import annotations

import pytest

from dvt.drivers.mysql import flavour_of


@pytest.mark.parametrize(
    ("server_version", "name", "has_uuid"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "MariaDB 10.11.19", True),
        ("5.5.5-10.6.16-MariaDB-1:10.6.16+maria~ubu2004-log", "MariaDB 10.6.16", False),
        ("10.7.0-MariaDB", "MariaDB 10.7.0", True),
        ("11.4.2-MariaDB-ubu2404", "MariaDB 11.4.2", True),
        ("8.0.36", "MySQL 8.0.36", False),
        ("8.4.0-0ubuntu1-log", "MySQL 8.4.0", False),
        ("5.7.44-log", "MySQL 5.7.44", False),
        ("8.0.mysql_aurora.3.05.2", "MySQL 8.0.0", False),
        ("nothing known", "MySQL 0.0.0", False),
    ],
)
def test_a_version_tells_the_product_and_its_types(server_version: str, name: str, has_uuid: bool) -> None:
    server = flavour_of(server_version)
    assert (server.name, server.has_uuid) == (name, has_uuid)
    assert server.native_json is not server.is_mariadb


@pytest.mark.parametrize(
    ("server_version", "skips_locked", "view"),
    [
        ("10.5.29-MariaDB", False, "INNODB_SYS_FOREIGN"),
        ("10.6.16-MariaDB", True, "INNODB_SYS_FOREIGN"),
        ("5.7.44-log", False, "INNODB_SYS_FOREIGN"),
        ("8.0.36", True, "INNODB_FOREIGN"),
    ],
)
def test_a_version_tells_what_rows_may_be_skipped_and_where_foreign_keys_are(
    server_version: str, skips_locked: bool, view: str
) -> None:
    server = flavour_of(server_version)
    assert (server.skips_locked, server.foreign_keys_view) == (skips_locked, view)
