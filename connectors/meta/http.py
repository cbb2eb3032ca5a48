"""HTTP to Meta, as the SDK speaks it. Imported only to connect: `requests` comes with the SDK."""

from __future__ import annotations

from collections.abc import Mapping

from requests import PreparedRequest, Request, Session

from connectors.meta.form import CONTENT_TYPE, encoded


class Http(Session):
    """A session whose forms may hold fields that are percent-encoded already."""

    def prepare_request(self, request: Request) -> PreparedRequest:
        """As the session's own, but a form is encoded here."""
        if request.data and isinstance(request.data, Mapping):
            request.data = encoded(request.data)
            request.headers = {**request.headers, "Content-Type": CONTENT_TYPE}
        return super().prepare_request(request)
