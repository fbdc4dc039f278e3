"""The settings with which Hadoop's own client reaches a folder of HDFS."""

from __future__ import annotations

from dvt.buckets.hdfs.settings import HDFSSettings
from dvt.core.ports.staging import HadoopAccess


def access(settings: HDFSSettings) -> HadoopAccess:
    """Return how Hadoop's client reaches a folder."""
    umask = {"fs.permissions.umask-mode": f"{settings.umask:03o}"}
    return HadoopAccess(
        settings={**umask, **settings.hadoop},
        file_system="org.apache.hadoop.hdfs.DistributedFileSystem",
        user=settings.user or "",
    )
