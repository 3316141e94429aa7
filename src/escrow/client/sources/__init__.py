"""A CRM export as a file → rows in columns, each row with its population.

CSV needs nothing beside this package; Excel workbooks and Parquet need the extra ``files``. What a file is, its content
tells, not its name. Only the columns that are asked for are kept. Errors name lines, columns and stages, never an
account.
"""

from escrow.client.sources.exports import Export, ReadAs, open_export
from escrow.client.sources.formats import FileFormat
from escrow.client.sources.rows import CrmRows, read_rows

__all__ = ["CrmRows", "Export", "FileFormat", "ReadAs", "open_export", "read_rows"]
