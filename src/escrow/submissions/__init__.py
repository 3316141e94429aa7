"""Uploads of lists: announced with all their digests, filled chunk by chunk in any order, then left to the worker.

A submission is named by its number and its digest: saying the same again gets the same answer, whatever became of it.
Nothing here looks at the partner's list, so nothing that a caller sees or times depends on matches.
"""

from escrow.submissions.announcing import Announcement, Head, SubmissionLimits, start_submission
from escrow.submissions.at_once import Place, WholeSubmission, cut, submit_at_once
from escrow.submissions.expiring import forget_abandoned
from escrow.submissions.progress import Problem, Submission, last_number, missing_chunks, submission_of
from escrow.submissions.sealing_digests import seal_open_digests
from escrow.submissions.uploading import Chunk, add_chunk, chunk_context, complete, read_chunk
from escrow.submissions.withdrawing import withdraw

__all__ = [
    "Announcement",
    "Chunk",
    "Head",
    "Place",
    "Problem",
    "Submission",
    "SubmissionLimits",
    "WholeSubmission",
    "add_chunk",
    "chunk_context",
    "complete",
    "cut",
    "forget_abandoned",
    "last_number",
    "missing_chunks",
    "read_chunk",
    "seal_open_digests",
    "start_submission",
    "submission_of",
    "submit_at_once",
    "withdraw",
]
