"""Trees are entered by descriptors: no link is followed, no device is left."""

import os
import subprocess
from pathlib import Path

import pytest

from dvt.core.errors import RootRefused
from dvt.drivers.trees import Root, identity


def test_a_file_below_is_reached_folder_by_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.json").write_text("{}")
    with Root(tmp_path) as root:
        folders, name = root.parts(bytes(tmp_path / "a" / "b" / "c.json"))
        with root.folder(folders) as folder:
            assert os.stat(name, dir_fd=folder).st_size == 2


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to("b")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for parts in ((b"a", b"b"), (b"a", b"link"), (b"a", b"gone"), ()):
        with Root(tmp_path) as root:
            try:
                with root.folder(parts):
                    pass
            except OSError:
                pass
    with pytest.raises(RootRefused):
        Root(tmp_path / "a" / "link")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    "parts", [(b"link",), (b"link", b"below"), (b"file",), (b"..",), (b"a/..",), (b"",), (b".",)]
)
def test_what_is_no_folder_of_the_tree_is_not_entered(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    outside = tmp_path / "outside"
    (outside / "below").mkdir(parents=True)
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "file").touch()
    (tree / "link").symlink_to(outside)
    with Root(tree) as root, pytest.raises(OSError), root.folder(parts):  # noqa: PT011
        pass


@pytest.mark.parametrize("path", ["", "/", "//", "relative", "/tmp/../etc", "/tmp/./x", "/tmp//x"])
def test_a_path_that_is_none_of_a_root_is_refused(path: str) -> None:
    with pytest.raises(RootRefused) as raised:
        Root(path)
    assert raised.value.code == "DVT210"


@pytest.mark.parametrize("at", ["link", "link/below"])
def test_a_root_that_is_reached_by_a_link_is_refused_unless_links_are_followed(
    tmp_path: Path, at: str
) -> None:
    (tmp_path / "real" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(RootRefused, match="reached by a link, link"):
        Root(tmp_path / at)
    with Root(tmp_path / at, through_links=True) as root:
        assert root.device == tmp_path.stat().st_dev


def test_a_file_and_a_home_folder_are_no_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RootRefused, match="cannot be opened as a folder"):
        Root(tmp_path / "file")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(RootRefused, match="home folder"):
        Root(tmp_path)


def test_a_root_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Root(tmp_path / "not" / "there")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_somebody_else_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(RootRefused, match="belongs to user 12345"):
        Root(tmp_path / "theirs")
    Root(tmp_path / "theirs", foreign=True).close()


@pytest.mark.parametrize("options", [["-t", "tmpfs", "none"], ["--bind", "{outside}"]])
def test_what_is_mounted_in_a_tree_is_not_entered(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "tree" / "mounted").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    where = tmp_path / "tree" / "mounted"
    command = [part.format(outside=tmp_path / "outside") for part in options]
    if subprocess.run(["mount", *command, where], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    try:
        with Root(tmp_path / "tree") as root, pytest.raises(OSError, match="mounted from elsewhere"):
            root.enter(root.fd, b"mounted")
        with pytest.raises(RootRefused, match="is mounted"):
            Root(where)
        Root(where, mount_point=True).close()
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@pytest.mark.parametrize("path", ["", "/x", "/", "/a/../b", "//x", "/..", "/a/"])
def test_a_path_that_is_not_below_has_no_parts(tmp_path: Path, path: str) -> None:
    with Root(tmp_path) as root:
        if path == "/x":
            assert root.parts(bytes(tmp_path) + b"/x") == ((), b"x")
            return
        with pytest.raises(ValueError, match="is not below"):
            root.parts(bytes(tmp_path) + path.encode())
        with pytest.raises(ValueError, match="is not below"):
            root.parts(bytes(tmp_path) + b"-other/x")


def test_identity_tells_a_changed_and_a_replaced_file_and_not_a_renamed_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    first = identity(file.stat())
    file.rename(tmp_path / "renamed")
    assert identity((tmp_path / "renamed").stat()) == first
    file.write_text("one")
    assert identity(file.stat()) != first
    with (tmp_path / "renamed").open("a") as out:
        out.write("more")
    assert identity((tmp_path / "renamed").stat()) != first


@pytest.mark.parametrize(
    "path", ["/usr", "/var", "/home", "/etc", "/etc/ssl", "/proc/self", "/sys/kernel", "/dev", "/root/"]
)
def test_folders_of_the_system_are_refused_whatever_is_allowed(path: str) -> None:
    with pytest.raises(RootRefused, match="folder of the operating system"):
        Root(path, through_links=True, mount_point=True, foreign=True)


def test_folders_in_folders_of_the_system_may_be_roots() -> None:
    with Root("/usr/lib"), Root("/dev/shm", mount_point=True):
        pass
