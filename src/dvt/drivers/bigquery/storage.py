"""Clients of BigQuery's Storage Read API, which sends the rows of an answer by several streams of Arrow."""

from __future__ import annotations

from typing import Any

from dvt.core.errors import DriverMissing
from dvt.drivers.bigquery.settings import BigQuerySettings

_INSTALL = "dvt sync, or pip install 'dvt-engine[bigquery-storage]'"
_PLAIN = "http://"
"""Beginning of an address without encryption."""


def storage_client(settings: BigQuerySettings, credentials: Any) -> Any:
    """Return a new client; whoever has it closes its transport. Nothing is asked of BigQuery yet."""
    try:
        from google.api_core.client_info import ClientInfo
        from google.cloud.bigquery_storage_v1 import BigQueryReadClient
    except ImportError as error:
        raise DriverMissing("google-cloud-bigquery-storage", _INSTALL) from error
    endpoint = settings.storage_api_endpoint
    if endpoint is not None and endpoint.startswith(_PLAIN):
        return BigQueryReadClient(transport=_without_encryption(endpoint.removeprefix(_PLAIN)))
    options = {"api_endpoint": endpoint, "quota_project_id": settings.quota_project}
    return BigQueryReadClient(
        credentials=credentials,
        client_options={key: value for key, value in options.items() if value is not None},
        client_info=ClientInfo(user_agent="dvt"),
    )


def _without_encryption(address: str) -> Any:
    import grpc
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    # Its messages are parts of an answer, of any size.
    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
    return BigQueryReadGrpcTransport(channel=channel)
