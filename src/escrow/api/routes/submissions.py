"""Submissions: announce, upload chunk by chunk, complete, ask how far it has come."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from escrow import access, errors, submissions, wire
from escrow.api.dependencies import ChunkBody, PartnershipId, Service, Serving, SubmitKey, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.api.records import COLUMNS_EXAMPLES, ROWS_EXAMPLES, account_rows, packed
from escrow.store.states import SubmissionType
from escrow.submissions import Announcement, Head, Place, Problem, Submission, SubmissionLimits
from escrow.wire.values import MOST_NUMBER

__all__ = ["router"]

router = Router(tags=["submissions"])

SubmissionNumber = Annotated[int, Path(ge=1, le=MOST_NUMBER, description="The submission's number.")]
Position = Annotated[int, Path(ge=0, lt=wire.MOST_CHUNKS, description="The chunk's place, from 0.")]


@router.post(
    "/v1/partnerships/{partnership_id}/submissions",
    summary="Announce a submission",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.ProfileMismatch,
        errors.GenerationMismatch,
        errors.SubmissionBaseWrong,
        errors.SubmissionInProgress,
        errors.SubmissionDigestWrong,
        errors.SubmissionTooLarge,
        *TAKES_A_BODY,
    ),
)
def start_submission(
    partnership_id: PartnershipId, key: SubmitKey, service: Serving, request: wire.NewSubmission
) -> wire.Submission:
    """Open an upload; the same number and digest again get the same answer."""
    with service.database.transaction("start submission") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        started = submissions.start_submission(
            tx,
            party,
            _announced(request),
            limits=_limits(service),
            service_key=service.sealing_key,
            now=service.now(),
        )
        return _told(started)


@router.post(
    "/v1/partnerships/{partnership_id}/submissions/rows",
    summary="Submit a small list in one request",
    status_code=202,
    dependencies=[Depends(json_only)],
    openapi_extra={"requestBody": {"content": {"application/json": {"examples": ROWS_EXAMPLES}}}},
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.ProfileMismatch,
        errors.GenerationMismatch,
        errors.SubmissionBaseWrong,
        errors.SubmissionInProgress,
        errors.SubmissionTooLarge,
        *TAKES_A_BODY,
    ),
)
def submit_rows(
    partnership_id: PartnershipId, key: SubmitKey, service: Serving, request: wire.RowSubmission
) -> wire.Submission:
    """Announce, upload and complete at once, account by account; same effect, digest and numbers as in chunks."""
    with service.database.snapshot("admit rows") as tx:
        access.party_of(tx, key.admit(tx), partnership_id)
    settings = service.settings
    whole = submissions.cut(
        partnership_id,
        _place(request),
        account_rows(request),
        most_accounts=settings.json_list_accounts,
        chunk_bytes=settings.chunk_bytes,
    )
    with service.database.transaction("submit rows") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        submitted = submissions.submit_at_once(
            tx,
            party,
            whole,
            ready=request.ready,
            limits=_limits(service),
            service_key=service.sealing_key,
            now=service.now(),
        )
        return _told(submitted)


@router.get(
    "/v1/partnerships/{partnership_id}/submissions/{number}",
    summary="How far a submission has come",
    responses=problems(errors.ScopeMissing, errors.NotFound),
)
def show_submission(
    partnership_id: PartnershipId, number: SubmissionNumber, key: SubmitKey, service: Serving
) -> wire.Submission:
    """Show one of the caller's own submissions, with the chunks that are still missing."""
    with service.database.snapshot("show submission") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return _told(submissions.submission_of(tx, party, number))


@router.put(
    "/v1/partnerships/{partnership_id}/submissions/{number}/chunks/{position}",
    summary="Upload a chunk",
    status_code=204,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/ColumnChunk"},
                    "examples": COLUMNS_EXAMPLES,
                },
            },
        }
    },
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.RecordsInvalid,
        errors.ChunkDigestMismatch,
        errors.BodyUnreadable,
        errors.ChunkTooLarge,
        errors.SubmissionClosed,
        errors.BodyTooLarge,
        errors.ContentTypeUnsupported,
    ),
)
def add_chunk(
    partnership_id: PartnershipId,
    number: SubmissionNumber,
    position: Position,
    key: SubmitKey,
    service: Serving,
    unverified: ChunkBody,
) -> None:
    """Keep one chunk, in binary or in columns, sealed; chunks come in any order, and one that is there stays."""
    with service.database.snapshot("admit a chunk") as tx:
        access.party_of(tx, key.admit(tx), partnership_id)
    chunk = submissions.read_chunk(packed(unverified), most_bytes=service.settings.chunk_bytes)
    with service.database.transaction("add chunk") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        submissions.add_chunk(tx, party, number, position, chunk, service_key=service.sealing_key, now=service.now())


@router.post(
    "/v1/partnerships/{partnership_id}/submissions/{number}/complete",
    summary="Hand a submission to be applied",
    status_code=202,
    dependencies=[Depends(json_only)],
    responses=problems(
        errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.ChunksMissing, *TAKES_A_BODY
    ),
)
def complete_submission(
    partnership_id: PartnershipId,
    number: SubmissionNumber,
    key: SubmitKey,
    service: Serving,
    request: wire.Completion,
) -> wire.Submission:
    """Say that all chunks are there; a worker applies the list, and `state` tells when it has."""
    with service.database.transaction("complete submission") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return _told(submissions.complete(tx, party, number, ready=request.ready, now=service.now()))


@router.post(
    "/v1/partnerships/{partnership_id}/submissions/{number}/withdraw",
    summary="Withdraw a submission",
    dependencies=[Depends(json_only)],
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.SubmissionNotWithdrawable,
        errors.SubmissionInProgress,
        *TAKES_A_BODY,
    ),
)
def withdraw_submission(
    partnership_id: PartnershipId, number: SubmissionNumber, key: SubmitKey, service: Serving, _request: wire.Nothing
) -> wire.Submission:
    """Drop an upload, or take the applied list out of matching: an empty snapshot with the next number follows it."""
    with service.database.transaction("withdraw submission") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return _told(submissions.withdraw(tx, party, number, service_key=service.sealing_key, now=service.now()))


def _limits(service: Service) -> SubmissionLimits:
    settings = service.settings
    return SubmissionLimits(chunks=wire.MOST_CHUNKS, largest_list=settings.largest_list)


def _announced(request: wire.NewSubmission) -> Announcement:
    return Announcement(
        number=request.number,
        type=SubmissionType(request.type),
        base=request.base,
        generation=request.generation,
        suite=request.suite,
        profile=request.profile,
        accounts=request.accounts,
        chunk_digests=request.chunks,
        digest=request.digest,
        head=_head(request.head),
    )


def _head(told: wire.Head | None) -> Head | None:
    return None if told is None else Head(told.release, told.head)


def _place(request: wire.RowSubmission) -> Place:
    return Place(
        number=request.number,
        type=SubmissionType(request.type),
        base=request.base,
        generation=request.generation,
        suite=request.suite,
        profile=request.profile,
        head=_head(request.head),
    )


def _told(submission: Submission) -> wire.Submission:
    problem = submission.problem
    return wire.Submission(
        number=submission.number,
        type=submission.type.value,
        base=submission.base,
        state=submission.state.value,
        chunks=submission.chunks,
        missing=submission.missing,
        received_at=submission.received_at,
        applied_at=submission.applied_at,
        problem=None if problem is None else _problem_told(problem),
        accounts=submission.accounts,
    )


def _problem_told(problem: Problem) -> wire.SubmissionProblem:
    return wire.SubmissionProblem(
        code=problem.code,
        detail=problem.detail,
        limit=problem.limit,
        left=problem.left,
        renews_at=problem.renews_at,
    )
