"""Whether this process can do its work now, told by the names of what fails and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from escrow.api.dependencies import Service
from escrow.errors import DatabaseBehind, NotReady, SealBroken
from escrow.store.revision import check_current
from escrow.store.secrets import check_opens

__all__ = ["check_ready"]


def check_ready(service: Service) -> None:
    """Raise NotReady, with the names of the checks that fail."""
    failed = [*_failed_of_database(service), *_failed_of_worker(service)]
    if failed:
        raise NotReady("This process cannot do its work now: see failed.", failed=tuple(failed))


def _failed_of_database(service: Service) -> Iterator[str]:
    try:
        check_current(service.database)
        with service.database.snapshot("check the sealing key") as tx:
            check_opens(tx, service_key=service.sealing_key)
    except SQLAlchemyError:
        yield "database"
    except DatabaseBehind:
        yield "migrations"
    except SealBroken:
        yield "secrets"


def _failed_of_worker(service: Service) -> Iterator[str]:
    """A process without a worker has none that could be silent."""
    if service.worker_silence is not None and service.worker_silence() > service.settings.worker_silence_seconds:
        yield "worker"
