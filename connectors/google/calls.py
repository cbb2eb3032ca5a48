"""One call of the SDK: counted, made once, its error translated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from google.api_core.exceptions import GoogleAPICallError

from connectors.google import errors
from connectors.google.quota import Kind, Project
from syncd.errors import PlatformError, Throttled

if TYPE_CHECKING:
    import pyarrow as pa

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Use:
    """One kind of request, as it counts against a project's quotas; None has no quotas."""

    kind: Kind
    project: Project | None

    def count(self) -> None:
        """Count a request that goes out."""
        if self.project is not None:
            self.project.asked(self.kind)

    def learn(self, error: PlatformError) -> None:
        """Hear whether a quota is used up."""
        if self.project is not None and isinstance(error, Throttled):
            self.project.refused(error.retry_after, error.code)


def told(
    call: Callable[[], Answer],
    use: Use,
    rows: pa.RecordBatch | None = None,
    *,
    of_account: bool = False,
) -> Answer:
    """The call's answer, or our error in place of the SDK's.

    Raises:
        syncd.errors.PlatformError: What the answer means.
    """
    use.count()
    try:
        return call()
    except GoogleAPICallError as error:
        carried = rows.num_rows if rows is not None else 0
        ours = errors.translate(error, rows=carried, of_account=of_account)
    use.learn(ours)
    # Raised out here, so that not even `__context__` leads back to the vendor's error.
    raise ours
