"""What is around a project's lifecycle is said by its files, or an error says why not."""

import pytest

from dvt.app.lifecycle import project_place
from dvt.core.errors import LifecycleInvalid


@pytest.mark.parametrize("content", [b"name: \xff", b"name: [", b"profile: shop"])
def test_a_project_whose_file_cannot_be_read_is_told(tmp_path, content):
    (tmp_path / "dbt_project.yml").write_bytes(content)
    with pytest.raises(LifecycleInvalid):
        project_place(tmp_path)


def test_where_no_project_is_there_is_none(tmp_path):
    assert project_place(tmp_path) is None
