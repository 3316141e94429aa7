"""Make the vectors out of the project's own code. Made once, then frozen: a file that exists is never written over.

Run from the root of the repository: ``python -m tests.vectors.generate``. The tests hold that the code still makes
these files, and that a second implementation agrees with every value in them.
"""

from __future__ import annotations

import json
from pathlib import Path

from escrow.psi import vectors
from tests.vectors import (
    making_envelopes,
    making_generations,
    making_normalisations,
    making_pairings,
    making_releases,
    making_tokens,
)
from tests.vectors.seeded import Document

HERE = Path(vectors.__file__).parent


def documents() -> dict[str, Document]:
    """Make every vector file, by its name."""
    return {
        "pairing.json": making_pairings.document(),
        "generations.json": making_generations.document(),
        "tokens.json": making_tokens.document(),
        "envelopes.json": making_envelopes.document(),
        "releases.json": making_releases.document(),
        "normalisation.json": making_normalisations.document(),
    }


def text_of(document: Document) -> str:
    """Write a document as it stands in its file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def freeze() -> None:
    """Write the files that do not exist yet."""
    for name, document in documents().items():
        if not (HERE / name).exists():
            (HERE / name).write_text(text_of(document), encoding="utf-8")


if __name__ == "__main__":
    freeze()
