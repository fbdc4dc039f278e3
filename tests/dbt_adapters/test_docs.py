"""persist_docs."""

from __future__ import annotations

from dbt.tests.adapter.persist_docs.test_persist_docs import (
    BasePersistDocs,
    BasePersistDocsAllColumnsMissing,
    BasePersistDocsColumnMissing,
    BasePersistDocsCommentOnQuotedColumn,
    BasePersistDocsQuotedColumnCaseSensitive,
    BasePersistDocsQuotedDescriptionNotAppliedOnMismatch,
)


class TestPersistDocs(BasePersistDocs):
    def _assert_has_view_comments(self, view_node, has_node_comments=True, has_column_comments=True):
        """Expect no comments: the server keeps none for views."""
        super()._assert_has_view_comments(view_node, False, False)


class TestPersistDocsColumnMissing(BasePersistDocsColumnMissing): ...


class TestPersistDocsAllColumnsMissing(BasePersistDocsAllColumnsMissing): ...


class TestPersistDocsQuotedColumnCaseSensitive(BasePersistDocsQuotedColumnCaseSensitive): ...


class TestPersistDocsQuotedDescriptionNotAppliedOnMismatch(
    BasePersistDocsQuotedDescriptionNotAppliedOnMismatch
): ...


class TestPersistDocsCommentOnQuotedColumn(BasePersistDocsCommentOnQuotedColumn): ...
