"""`tuckshop health`: whether the server of this shop is ready, for supervisors and scripts."""

from __future__ import annotations

import time

import click

from tuckshop.cli.commands import EXIT_FOUND, Command, Whole

ANSWER_SECONDS_MAX = 5  # The server gives the database two.
PAUSE_SECONDS = 0.25


@click.command(cls=Command)
@click.option("--wait", "wait_seconds", type=Whole(0, 3_600), default=0, help="Seconds to wait until it is.")
@click.pass_context
def health(ctx: click.Context, wait_seconds: int) -> None:
    """Ask the server on this computer whether it is ready.

    Asks at TUCKSHOP_HOST and TUCKSHOP_PORT. Exit code 0: ready. 1: not.
    """
    from tuckshop import settings
    from tuckshop.cli.serve import address

    given = settings.read()
    url = f"{address(given.host, given.port)}/health/ready"
    until = time.monotonic() + wait_seconds
    while (problem := _problem(url)) is not None:
        if time.monotonic() >= until:
            click.echo(f"The server is not ready at {url}: {problem}.", err=True)
            ctx.exit(EXIT_FOUND)
        time.sleep(PAUSE_SECONDS)
    click.echo("The server is ready.")


def _problem(url: str) -> str | None:
    """Why the server does not say that it is ready; None if it does."""
    import http.client
    import urllib.error
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # It is this very computer.
    try:
        with opener.open(url, timeout=ANSWER_SECONDS_MAX):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"it answers {error.code}"
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
