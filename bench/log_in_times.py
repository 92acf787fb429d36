"""How long refused log-ins take beside each other: `python -m bench.log_in_times [--rounds 200]`.

Whoever measures must not learn whether a name is known, or why it was refused. Wrong passwords, unknown names
and disabled users are tried in turns, with passwords hashed as in real shops, in seconds of the processor.
Each median is set in relation to that of wrong passwords, with an interval that holds the true ratio in 95 of
100 runs; an interval that lies wholly beyond `RATIO_OFF_MAX` fails. What they do is counted by
tests/identity/test_log_in_time.py.
"""

import argparse
import asyncio
import random
import secrets
import tempfile
import time
from statistics import median, quantiles

from bench.seed import Size, make
from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import login_throttle, registration, roles, sessions
from tuckshop.operations.startup import open_shop
from tuckshop.settings import Settings

RATIO_OFF_MAX = 0.05  # 2 ms of the 40 that a hash takes: less than what any network adds.
_PASSWORD = "correct horse"
_REFERENCE = "wrong password"
_KINDS = {
    _REFERENCE: ("ada", "wrong horse"),
    "unknown name": ("nobody", _PASSWORD),
    "disabled, right password": ("dis", _PASSWORD),
    "disabled, wrong password": ("dis", "wrong horse"),
}
_DRAWS = 1_000

Taken = dict[str, list[float]]


def main() -> None:
    """Measure, print a line for each kind, and fail if one can be told from the others."""
    rounds = _arguments().rounds
    with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as folder:
        url = f"sqlite:///{folder}/shop.sqlite3"
        make(url, size=Size(buyers=1, sellers=1, products=1))
        taken = asyncio.run(_measured(url, rounds))
    apart = []
    print(f"{'median ms':>9} {'ratio':>7} {'95 in 100 within':>18}   kind, of {rounds} each")
    for kind, seconds in taken.items():
        ratio, low, high = _ratio(seconds, taken[_REFERENCE])
        print(f"{median(seconds) * 1_000:9.2f} {ratio:7.3f} {f'{low:.3f} to {high:.3f}':>18}   {kind}")
        if high < 1 - RATIO_OFF_MAX or low > 1 + RATIO_OFF_MAX:
            apart.append(kind)
    raise SystemExit(f"can be told from a {_REFERENCE}: {', '.join(apart)}" if apart else 0)


async def _measured(url: str, rounds: int) -> Taken:
    login_throttle.DELAY_SECONDS = 0.0
    for name in ("PAIR", "USER", "NETWORK"):
        setattr(login_throttle, name, login_throttle.Limit(len(_KINDS) * (rounds + 1), 60))
    taken: Taken = {kind: [] for kind in _KINDS}
    settings = Settings(database_url=url, secret=secrets.token_hex(32))
    async with open_shop(settings, clock=lambda: time.time_ns() // 1_000) as shop:
        await _register(shop)
        for number in range(rounds + 1):
            for kind in random.sample(list(_KINDS), len(_KINDS)):
                seconds = await _seconds(shop, *_KINDS[kind])
                if number:  # The first of a name makes its count.
                    taken[kind].append(seconds)
    return taken


async def _register(shop: Shop) -> None:
    for name in ("ada", "dis"):
        made = await registration.add(shop, username=name, email=None, password=_PASSWORD, roles=[Role.BUYER])
        if name == "dis":
            await roles.change(shop, user_id=made.id, state=UserState.DISABLED, actor_id=None)


async def _seconds(shop: Shop, name: str, password: str) -> float:
    """Of the processor, of all threads: what else this computer does is no part of the answer."""
    begun = time.process_time()
    try:
        await sessions.log_in(shop, username=name, password=password, address="192.0.2.7")
    except BadCredentials:
        return time.process_time() - begun
    raise AssertionError(f"{name} was let in")


def _ratio(seconds: list[float], reference: list[float]) -> tuple[float, float, float]:
    """Of the medians, and the interval of it: drawn anew from the same rounds, again and again."""
    draws = [
        median(random.choices(seconds, k=len(seconds))) / median(random.choices(reference, k=len(reference)))
        for _ in range(_DRAWS)
    ]
    low, *_, high = quantiles(draws, n=40)
    return median(seconds) / median(reference), low, high


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.log_in_times")
    parser.add_argument("--rounds", type=int, default=200, help="tries of each kind; %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
