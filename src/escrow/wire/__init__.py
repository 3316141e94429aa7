"""The public HTTP contract as pydantic models, shared by the service and the client; nothing else leaves.

Models are strict and frozen, and refuse fields they do not know. Binary is unpadded base64url of an exact length, ids
are UUIDs in their canonical form, times are UTC in ISO 8601, and the codes of the domain travel as its words
("customers", "details"). No error raised here repeats what was sent.
"""

from escrow.wire.agreement import CellLevel, Terms, TermsDocument
from escrow.wire.disclosure import DisclosurePreset, DisclosureRule
from escrow.wire.disputes import Dispute, DisputedRow, DisputedRowPage, DisputePage, DisputeReason, NewDispute
from escrow.wire.overlaps import (
    DetailsPage,
    DetailsStored,
    DetailsUpload,
    OverlapItem,
    OverlapPage,
    SealedDetails,
    ServedDetails,
    WantedDetails,
    WantedPage,
)
from escrow.wire.partnerships import (
    Acceptance,
    Confirmation,
    Consents,
    Generation,
    Invitation,
    InvitationLookup,
    NewGeneration,
    NewPartnership,
    NextGeneration,
    OwnList,
    Pairing,
    Partnership,
    PartnershipPage,
    Paused,
    PopulationSizes,
    TheirList,
)
from escrow.wire.problems import FieldProblem, Problem
from escrow.wire.reports import ReleaseItem, ReleasePage, Report, ReportCell, ReportedList
from escrow.wire.service import ApiKey, Health, Limits, Nothing, Organization, Service
from escrow.wire.submissions import (
    AccountTokens,
    ColumnChunk,
    Completion,
    ListedAccount,
    NewSubmission,
    RowSubmission,
    Submission,
    SubmissionProblem,
)
from escrow.wire.values import MOST_CHUNKS, MOST_ITEMS

__all__ = [
    "MOST_CHUNKS",
    "MOST_ITEMS",
    "Acceptance",
    "AccountTokens",
    "ApiKey",
    "CellLevel",
    "ColumnChunk",
    "Completion",
    "Confirmation",
    "Consents",
    "DetailsPage",
    "DetailsStored",
    "DetailsUpload",
    "DisclosurePreset",
    "DisclosureRule",
    "Dispute",
    "DisputePage",
    "DisputeReason",
    "DisputedRow",
    "DisputedRowPage",
    "FieldProblem",
    "Generation",
    "Health",
    "Invitation",
    "InvitationLookup",
    "Limits",
    "ListedAccount",
    "NewDispute",
    "NewGeneration",
    "NewPartnership",
    "NewSubmission",
    "NextGeneration",
    "Nothing",
    "Organization",
    "OverlapItem",
    "OverlapPage",
    "OwnList",
    "Pairing",
    "Partnership",
    "PartnershipPage",
    "Paused",
    "PopulationSizes",
    "Problem",
    "ReleaseItem",
    "ReleasePage",
    "Report",
    "ReportCell",
    "ReportedList",
    "RowSubmission",
    "SealedDetails",
    "ServedDetails",
    "Service",
    "Submission",
    "SubmissionProblem",
    "Terms",
    "TermsDocument",
    "TheirList",
    "WantedDetails",
    "WantedPage",
]
