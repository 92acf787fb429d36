"""/metrics, for Prometheus; it is there only if the settings ask for it, and no part of the contract."""

from __future__ import annotations

import hmac

from prometheus_client import CONTENT_TYPE_LATEST

from tuckshop.domain.refusals import SessionEnded
from tuckshop.http.handlers import Router, get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import metrics
from tuckshop.operations.figures import Figures


def router(*, token: str, folder: str) -> Router:
    """The route. With a token, only who bears it is answered; `folder`: see `metrics.keep_sharing`."""
    kept = Figures()

    @get("/metrics", summary="Figures of the running service")
    async def show(request: ShopRequest) -> Response[bytes]:
        """All workers' together."""
        if token:
            given = request.given(b"authorization")
            if len(given) != 1 or not hmac.compare_digest(given[0], f"Bearer {token}".encode()):
                raise SessionEnded
        content = await metrics.text(request.shop, events=request.events, figures=kept, folder=folder)
        return Response(content, media_type=CONTENT_TYPE_LATEST)

    return Router("/", [show])
