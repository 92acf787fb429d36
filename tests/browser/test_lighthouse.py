"""The machine's page by Lighthouse's measure, with 24 products: on a slow phone, with a slow line.

Lighthouse computes the slow phone from what it sees here. A busy computer changes that little (performance
was 0.99 with five processes waiting for each core), where really slowing down would measure those processes.
"""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from tests.browser.conftest import ARGUMENTS, Scene
from tests.browser.test_machine import stocked
from tests.shop import Shop

LIGHTHOUSE = Path(__file__).parents[2] / "tools" / "node" / "node_modules" / ".bin" / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
PRODUCTS = 24
SCORE_MIN = 0.95
WEIGHT_BYTES_MAX = 100_000
READY_MS_MAX = 1_000
RUNS_MAX = 3  # A computer that is busy with other things may be slow once; a page that is slow always is.
RUN_SECONDS_MAX = 120


@dataclass(frozen=True)
class Report:
    """What Lighthouse has found.

    `weight_bytes`: of all but products' pictures. `ready_ms`: until the page's scripts listen (as modules,
    they do so just before the document is said to be there), at the speed of this computer.
    """

    scores: dict[str, float]
    weight_bytes: int
    ready_ms: float

    @property
    def is_quick(self) -> bool:
        return self.scores["performance"] >= SCORE_MIN and self.ready_ms < READY_MS_MAX


def test_the_machine_is_light_and_quick(scene: Scene) -> None:
    made = stocked(scene, **{f"cola {number}": (65, number) for number in range(PRODUCTS)})
    scene.do(lambda shop: picture(shop, made.values()))
    reports: list[Report] = []
    for _ in range(RUNS_MAX):
        report = measured(f"{scene.address}/")
        logging.getLogger(__name__).info("%s", report)
        if report is None:
            continue
        reports.append(report)
        assert min(report.scores["accessibility"], report.scores["best-practices"]) >= SCORE_MIN
        assert report.weight_bytes < WEIGHT_BYTES_MAX
        if report.is_quick:
            return
    raise AssertionError(f"never quick: {reports}")


async def picture(shop: Shop, product_ids: Iterable[int]) -> None:
    """Gives each of them a picture of its own."""
    file = io.BytesIO()
    Image.new("RGB", (256, 256), "orange").save(file, "WEBP")
    for product_id in product_ids:
        await shop.execute(
            "INSERT INTO images (id, media_type, content, created_us) VALUES (:id, 'image/webp', :it, 1)",
            id=product_id,
            it=file.getvalue(),
        )
    await shop.execute("UPDATE products SET image_id = id")


def measured(url: str) -> Report | None:
    """One look at a page, in a browser of its own; None if that browser did not come to look at all."""
    assert LIGHTHOUSE.exists(), "Lighthouse is missing: `make test` installs it"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    done = subprocess.run(
        [
            LIGHTHOUSE,
            url,
            f"--chrome-flags=--headless=new {' '.join(ARGUMENTS)}",
            f"--only-categories={','.join(CATEGORIES)}",
            "--output=json",
            "--no-enable-error-reporting",
            "--quiet",
        ],
        env=os.environ | {"CHROME_PATH": chromium},
        stdout=subprocess.PIPE,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )
    told = json.loads(done.stdout)
    if "runtimeError" in told:
        return None
    audits = told["audits"]
    # Each address once: what the machine looks up later, since something happens, is no weight of the page.
    weights = {
        urlsplit(one["url"]).path: one["transferSize"]
        for one in audits["network-requests"]["details"]["items"]
    }
    return Report(
        scores={name: told["categories"][name]["score"] for name in CATEGORIES},
        weight_bytes=sum(weight for path, weight in weights.items() if not path.startswith("/v1/images/")),
        ready_ms=audits["metrics"]["details"]["items"][0]["observedDomContentLoaded"],
    )
