"""Closing users: what tells who they were is erased with the act itself.

The books keep their number. What lies elsewhere, as in the admin log, the upkeep erases a little later: see
`operations/erasing.py`.
"""

from __future__ import annotations

from tuckshop.domain.users import UserState
from tuckshop.store import tables
from tuckshop.store.erased import GONE, LABELS, erased
from tuckshop.till.sql.steps import Delete, Read, Script, Update
from tuckshop.till.state.working_set import WorkingSet

_ID = (("id", "bigint"),)

LOG_INS = Read(
    "log_ins",
    _ID,
    "SELECT s.user_id, s.id, s.ended_us FROM wanted w JOIN sessions s ON s.user_id = w.id"
    " AND (s.ended_us IS NULL OR s.device IS NOT NULL OR s.address IS NOT NULL) ORDER BY s.id",
)
API_TOKENS = Read(
    "api_tokens",
    _ID,
    "SELECT s.user_id, t.session_id FROM wanted w JOIN sessions s ON s.user_id = w.id"
    " JOIN api_tokens t ON t.session_id = s.id ORDER BY t.session_id",
)
_COLUMNS = tuple(erased(0))
CLOSE_USERS = Update(tables.users, ("id",), ("state", "closed_us", "email_hash", *_COLUMNS))
END_SESSIONS = Update(tables.sessions, ("id",), ("ended_us", *LABELS))
OLD_API_TOKENS = Delete(tables.api_tokens, ("session_id",))
GONE_WITH_USERS = tuple(Delete(table, ("user_id",)) for table in GONE)


def log_ins(work: WorkingSet, closing: list[tuple[int]]) -> Script:
    """How the users log in who are to be closed; they are locked."""
    users = work.users
    for user_id, *session in (yield LOG_INS, closing):
        users.log_ins[user_id] = (*users.log_ins.get(user_id, ()), tuple(session))
    for user_id, session_id in (yield API_TOKENS, closing):
        users.api_tokens[user_id] = (*users.api_tokens.get(user_id, ()), session_id)


def close(work: WorkingSet) -> Script:
    """Their name and address become free, and nothing lets them in."""
    users, closed = work.users, sorted(work.changes.users.closed.items())
    closing = UserState.CLOSED.value, work.now_us
    yield CLOSE_USERS, [(one, *closing, kept, *erased(one).values()) for one, kept in closed]
    sessions = sorted(session for one, _ in closed for session in users.log_ins.get(one, ()))
    if sessions:
        nothing = [None] * len(LABELS)
        yield (
            END_SESSIONS,
            [(one, work.now_us if ended_us is None else ended_us, *nothing) for one, ended_us in sessions],
        )
    tokens = sorted(session_id for one, _ in closed for session_id in users.api_tokens.get(one, ()))
    if tokens:
        yield OLD_API_TOKENS, [(session_id,) for session_id in tokens]
    for gone in GONE_WITH_USERS:
        yield gone, [(one,) for one, _ in closed]
