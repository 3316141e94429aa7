"""One list as fixed binary records: chunks on the wire, and the arithmetic of snapshots and deltas.

Nothing here knows what a token stands for; tokens may be in wire form or in stored-index form.
"""

from escrow.psi.records.changes import Changes, apply_delta, count_changes, difference
from escrow.psi.records.charges import Charge, charge_of
from escrow.psi.records.checks import (
    LARGEST_ACCOUNT_BYTES,
    MOST_TOKENS_OF_AN_ACCOUNT,
    check_growth,
    check_list,
)
from escrow.psi.records.chunks import (
    SubmissionKind,
    chunk_digest,
    join,
    pack_chunk,
    parse_chunk,
    split,
    submission_digest,
)
from escrow.psi.records.forms import AccountRow, Columns, records_of_columns, records_of_rows
from escrow.psi.records.layout import (
    ACCOUNT_DTYPE,
    REMOVED,
    TOKEN_BYTES,
    TOKEN_DTYPE,
    ListRecords,
    kinds_of,
    make_records,
    run_starts,
    token_halves,
    with_tokens,
)
from escrow.psi.records.ordering import OrderedTokens

__all__ = [
    "ACCOUNT_DTYPE",
    "LARGEST_ACCOUNT_BYTES",
    "MOST_TOKENS_OF_AN_ACCOUNT",
    "REMOVED",
    "TOKEN_BYTES",
    "TOKEN_DTYPE",
    "AccountRow",
    "Changes",
    "Charge",
    "Columns",
    "ListRecords",
    "OrderedTokens",
    "SubmissionKind",
    "apply_delta",
    "charge_of",
    "check_growth",
    "check_list",
    "chunk_digest",
    "count_changes",
    "difference",
    "join",
    "kinds_of",
    "make_records",
    "pack_chunk",
    "parse_chunk",
    "records_of_columns",
    "records_of_rows",
    "run_starts",
    "split",
    "submission_digest",
    "token_halves",
    "with_tokens",
]
