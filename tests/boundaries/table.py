"""Every boundary of time in the service: what holds a microsecond before an instant, at it, and after it.

`places` are the comparisons that decide, as `searching.py` writes them: one that no row names fails. Whoever
writes a new one adds a row here, with a probe that asks.

What is kept or open *for* a time is so up to and with the instant at which that has passed; what *ends* at an
instant is over at it; a day begins with its first instant, and ends just before the next one's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.boundaries import probes_identity as identity
from tests.boundaries import probes_kept as kept
from tests.boundaries import probes_money as money
from tests.boundaries import probes_rules as rules


class Row(NamedTuple):
    """`answers`: before, at, after. `probe` asks a rule, so far past its boundary, or a shop: see `Asked`."""

    name: str
    places: tuple[str, ...]
    answers: tuple[object, object, object]
    probe: Callable[..., Any]


RULES = (
    Row(
        "a day begins, by every clock",
        ("domain.days:BusinessDays.of | self.start_us(day) > instant_us",),
        ("the day before", "the day", "the day"),
        rules.day_that_begins,
    ),
    Row(
        "the first day of the calendar (by the day)",
        ("domain.days:period | _YEARS[0] <= day <= _YEARS[1]",),
        ("DayOutOfRange", "taken", "taken"),
        rules.first_year,
    ),
    Row(
        "the last day of the calendar (by the day)", (), ("taken", "taken", "DayOutOfRange"), rules.last_year
    ),
    Row(
        "a period's end (by the day before its beginning)",
        ("domain.days:period | first > last",),
        ("taken", "taken", "DayAfter"),
        rules.backwards,
    ),
    Row(
        "the longest period (by the day)",
        ("domain.days:period | (last - first).days >= PERIOD_DAYS_MAX",),
        ("taken", "taken", "PeriodTooLong"),
        rules.too_long,
    ),
    Row(
        "an access token ends",
        ("identity.access_tokens:Tokens._claims | max(claims.iat, claims.nbf) <= now < claims.exp",),
        ("good", "no", "no"),
        rules.access_token,
    ),
    Row(
        "an access token that was read before ends",
        ("identity.access_tokens:Tokens.caller | expires_us <= self._clock()",),
        ("good", "no", "no"),
        rules.known_access_token,
    ),
    Row("a refresh token ends", (), ("good", "no", "no"), rules.refresh_token),
    Row(
        "a log-in shows the password no more",
        ("identity.sessions:is_fresh | 0 <= now_us - shown_us < FRESH_SECONDS * _SECOND_US",),
        (True, False, False),
        rules.fresh_log_in,
    ),
    Row("a log-in of a clock ahead shows the password", (), (False, True, True), rules.log_in_to_come),
    Row("a limit's next hour begins", (), ((0, 1), (3_600, 3_600), (3_600, 3_600)), rules.limiting_hour),
    Row(
        "a token begins, of a computer whose clock is ahead",
        (),
        ("no", "good", "good"),
        rules.token_of_a_clock_ahead,
    ),
)
"""Asked without a shop: by the microsecond where the name says no more."""

SHOPS = (
    # --- Who is let in
    Row(
        "a session ends for whoever looks",
        ("identity.sessions:_require_live | sessions.c.expires_us > now_us",),
        ("done", "SessionEnded", "SessionEnded"),
        identity.session(identity.looks),
    ),
    Row(
        "a session ends for whoever acts",
        ("till.engine.execute:_actor | session.expires_us <= work.now_us",),
        ("done", "SessionEnded", "SessionEnded"),
        identity.session(identity.acts),
    ),
    Row(
        "a session ends in the list of log-ins",
        ("identity.sessions:_log_ins | sessions.c.expires_us > now_us",),
        (1, 0, 0),
        identity.session(identity.is_listed),
    ),
    Row(
        "a session ends for a stream of events",
        ("queries.events:_live | sessions.expires_us > now_us",),
        (True, False, False),
        identity.session(identity.hears_events),
    ),
    Row(
        "the second step of a log-in ends",
        ("web.account.log_in:_opened | request.shop.clock() < shown.ends_us",),
        (True, False, False),
        identity.second_step,
    ),
    Row(
        "a log-in stays fresh",
        ("identity.confirmation:require | 0 <= shop.clock() - at_us <= _FRESH_US",),
        ("done", "done", "ConfirmationRequired"),
        identity.fresh_log_in,
    ),
    Row(
        "an API token ends in the list",
        ("identity.api_tokens:page | sessions.c.expires_us > shop.clock()",),
        (1, 0, 0),
        identity.token_is_listed,
    ),
    Row(
        "an API token ends and makes room",
        ("identity.api_tokens:make | sessions.c.expires_us > now_us",),
        ("TooManyTokens", "done", "done"),
        identity.token_counts,
    ),
    Row(
        "an API token's days (by the day)",
        ("identity.api_tokens:make | 1 <= days <= DAYS_MAX",),
        (("InvalidField", "done"), ("done", "done"), ("done", "InvalidField")),
        identity.token_days,
    ),
    Row(
        "a session ends after it began, says the database",
        ("store.tables.user:sessions | expires_us > created_us",),
        ("refused", "refused", "taken"),
        identity.session_that_ends,
    ),
    Row(
        "a try to log in is free again",
        ("identity.login_throttle:count | attempts.c.full_us <= room_us",),
        ("TooManyTries", "done", "done"),
        identity.try_again,
    ),
    Row(
        "a count of tries that has run dry begins anew",
        ("identity.login_throttle:count | attempts.c.full_us > now_us",),
        (60_000_001, 60_000_000, 60_000_000),
        identity.dry_count,
    ),
    Row(
        "a failed try is remembered",
        ("identity.login_throttle:remembered | attempts.c.full_us > now_us",),
        (1, 0, 0),
        identity.failed_try,
    ),
    Row(
        "somebody is shut out",
        (
            (
                "identity.login_throttle:remembered | "
                "attempts.c.full_us > now_us + (PAIR.attempts - 1) * PAIR.step_us"
            ),
        ),
        (1, 0, 0),
        identity.shut_out,
    ),
    Row(
        "a count of tries is forgotten once it has run dry",
        ("identity.login_throttle:forget_old | attempts.c.full_us <= shop.clock()",),
        (True, False, False),
        identity.old_try,
    ),
    # --- What is kept for a time
    Row(
        "an idempotency key is kept for 30 days",
        ("operations.retention:forget_old | idempotency.c.created_us < before_us",),
        (1, 1, 0),
        kept.idempotency_key,
    ),
    Row(
        "a counter that limits is kept for a week",
        ("operations.retention:forget_counters | limit_counters.c.starts_us < before_us",),
        (1, 1, 0),
        kept.limit_counter,
    ),
    Row(
        "a guest without money is forgotten",
        ("identity.guests:forget_unused | guests.c.created_us < before_us",),
        (True, True, False),
        kept.guest,
    ),
    Row(
        "an alert is kept for a month",
        ("operations.alerts:forget_old | alerts.c.last_us < before_us",),
        (1, 1, 0),
        kept.alert,
    ),
    Row(
        "an upload is kept for an hour",
        (
            "operations.uploads:find | uploads.c.created_us >= _oldest_us(shop)",
            "operations.uploads:forget_old | uploads.c.created_us < _oldest_us(shop)",
        ),
        ((True, True), (True, True), (False, False)),
        kept.upload,
    ),
    Row(
        "a picture that nothing shows is kept for an hour",
        (
            (
                "operations.pictures:_forget_unused | "
                "images.c.created_us < shop.clock() - UPLOAD_SECONDS_MAX * 1000000"
            ),
        ),
        (True, True, False),
        kept.picture,
    ),
    Row(
        "staff who look again leave no second line",
        ("operations.staff_reads:note | 0 <= now_us - noted_us <= AGAIN_SECONDS * _SECOND_US",),
        (1, 1, 2),
        kept.looked_again,
    ),
    Row(
        "what staff looked at is kept",
        ("operations.staff_reads:forget_old | log.c.created_us < before_us",),
        (1, 1, 0),
        kept.looked_at,
    ),
    Row(
        "a hash of a closed user's address is kept for a year",
        ("operations.erasing:forget_addresses | users.c.closed_us < before_us",),
        (0, 0, 1),
        kept.address_hash,
    ),
    Row(
        "lines of the admin log are kept as long as the setting says",
        ("operations.old_logs:_forget_lines | created_us < before_us",),
        (0, 0, 1),
        kept.log_line,
    ),
    Row(
        "a session that is over keeps its device as long",
        ("operations.old_logs:_forget_labels | ended_us < before_us",),
        (0, 0, 1),
        kept.session_labels,
    ),
    Row(
        "orders of a month that is over long enough lose their buyer",
        (
            "operations.old_orders:forget_buyers | orders.c.created_us < before_us",
            "operations.old_orders:_due | orders.c.created_us < before_us",
            "operations.old_orders:_forget_movers | orders.c.created_us < before_us",
        ),
        (1, 0, 0),
        kept.old_order,
    ),
    Row(
        "and only if they were refunded in it",
        ("operations.old_orders:_due | refunds.c.created_us >= before_us",),
        (1, 0, 0),
        kept.old_order_refunded,
    ),
    Row(
        "and dispensed in it",
        ("operations.old_orders:_due | orders.c.fulfilled_us < before_us",),
        (1, 0, 0),
        kept.old_order_dispensed,
    ),
    Row(
        "an audit's record gives way to a later one's",
        ("operations.audit:audit_and_record | audits.c.at_us <= now_us",),
        (True, False, False),
        kept.last_audit,
    ),
    # --- The refund window
    Row(
        "a buyer may return",
        (
            (
                "domain.refunds:ReturnLimits.require_returnable"
                " | self.now_us - begun_us > self.window_seconds * MICROSECONDS"
            ),
        ),
        ("done", "done", "RefundWindowOver"),
        money.refund,
    ),
    Row(
        "a page offers to return",
        ("queries.orders:returnable | orders.c.fulfilled_us >= shop.clock() - window_us",),
        (True, True, False),
        money.returnable,
    ),
    Row(
        "a machine offers to undo",
        ("queries.storefront:newest_bought | rows[0].fulfilled_us < shop.clock() - window_us",),
        (True, True, False),
        money.undo_at_the_machine,
    ),
    Row(
        "earnings are held back, of what was dispensed at once",
        (
            "domain.payables:_since | order.fulfilled_us >= since_us",
            "queries.earnings:held_back_cents | orders.c.fulfilled_us >= returnable_us",
            (
                "queries.earnings:held_back_cents | "
                "lines.c.order_id > await _older_id(connection, returnable_us)"
            ),
            "till.sql.statements:EARNINGS | o.fulfilled_us >= w.since_us",
        ),
        ((0, "NotPayable"), (0, "NotPayable"), (150, "done")),
        money.payable_at_once,
    ),
    Row(
        "earnings are held back, of what was dispensed later",
        ("till.sql.statements:EARNINGS | o.fulfilled_us >= (SELECT min(w.since_us) FROM wanted w)",),
        ((0, "NotPayable"), (0, "NotPayable"), (150, "done")),
        money.payable_late,
    ),
    Row(
        "earnings are held back for the payout delay, of what was dispensed at once",
        (
            "queries.earnings:_young_cents | lines.c.order_id > await _older_id(connection, since_us)",
            "queries.earnings:_young_cents | orders.c.fulfilled_us >= since_us",
            "till.sql.statements:EARNINGS | o.fulfilled_us >= w.young_since_us",
        ),
        ((0, "NotPayable"), (0, "NotPayable"), (150, "done")),
        money.young_at_once,
    ),
    Row(
        "earnings are held back for the payout delay, of what was dispensed later",
        (
            "queries.earnings:_late | orders.c.fulfilled_us >= since_us",
            "till.sql.statements:EARNINGS | o.fulfilled_us >= w.young_since_us",
        ),
        ((0, "NotPayable"), (0, "NotPayable"), (150, "done")),
        money.young_late,
    ),
    Row(
        "earnings are held back though the clock was set back by a minute",
        (
            (
                "queries.earnings:_older_id | "
                "orders.c.created_us < since_us - CLOCK_SECONDS_BACK_MAX * MICROSECONDS"
            ),
            "till.sql.statements:OLDER | o.created_us < w.before_us",
        ),
        ((0, "NotPayable"), (0, "NotPayable"), (150, "done")),
        money.clock_set_back,
    ),
    # --- A day
    Row(
        "what was ordered for later waits",
        ("operations.orders:expire_placed | orders.c.created_us < before_us",),
        (0, 0, 1),
        money.late_order,
    ),
    Row(
        "a machine's key serves who has logged in there",
        ("till.sql.statements:PRESENT | s.expires_us > w.now_us",),
        ("done", "UserNotPresent", "UserNotPresent"),
        money.served_by_a_machine,
    ),
    Row(
        "a code pairs a screen",
        (
            "identity.screens:pair | screens.c.created_us >= now_us - CODE_SECONDS * MICROSECONDS",
            "queries.screens:is_live | screens.c.created_us >= now_us - CODE_SECONDS * MICROSECONDS",
        ),
        (("done", 1), ("done", 1), ("InvalidField", 0)),
        identity.pairing_code,
    ),
    Row(
        "a buyer's fourth refund, a day after the third",
        (
            "domain.refunds:ReturnLimits.require_not_exhausted | self.today >= REFUNDS_PER_DAY",
            "till.sql.statements:RECENT_REFUNDS | r.created_us > w.since_us",
        ),
        ("RefundsExhausted", "done", "done"),
        money.fourth_refund,
    ),
    Row(
        "a seller's twenty-first refund on the office's list, a day after the twentieth",
        (
            "operations.refund_requests:note | (await connection.scalar(recent) or 0) >= REQUESTS_PER_DAY",
            ("operations.refund_requests:note | requests.c.created_us > now_us - DAY_SECONDS * MICROSECONDS"),
        ),
        (0, 1, 1),
        money.refund_request,
    ),
    Row(
        "a refund that was made before waits on the office's list",
        ("queries.refund_requests:_open | refunds.c.created_us >= requests.c.created_us",),
        (1, 0, 0),
        money.request_that_waits,
    ),
    Row(
        "a guest's fourth refund, a day after the third",
        ("till.sql.statements:RECENT_REFUNDS | r.created_us > w.since_us",),
        ("RefundsExhausted", "done", "done"),
        money.fourth_refund_of_a_guest,
    ),
    Row(
        "coins that buyers declare, a day after the most of a day",
        ("till.sql.statements:RECENT_DEPOSITS | t.created_us > w.since_us",),
        ("CoinsCapReached", "done", "done"),
        money.declared_coins,
    ),
    Row(
        "money that nobody claims, after 30 days",
        ("queries.guests:unclaimed | touched <= before_us",),
        (0, 1, 1),
        money.unclaimed,
    ),
    # --- Periods
    Row(
        "a statement's next day begins",
        (
            "queries.statements:statement | transfers.c.created_us >= ends_us",
            "queries.statements:statement | transfers.c.created_us >= begins_us",
            "queries.statements:statement | transfers.c.created_us < ends_us",
        ),
        ((True, True, False), (False, False, True), (False, False, True)),
        money.statement,
    ),
    Row(
        "a report's next day begins, for pay-outs",
        (
            "queries.reports:earnings | moved.c.created_us >= days.start_us(day_of(period.first))",
            "queries.reports:earnings | moved.c.created_us < days.start_us(day_of(period.last) + 1)",
        ),
        ((10, 0), (0, 10), (0, 10)),
        money.pay_outs_of_a_day,
    ),
    Row(
        "a report's next day begins, for sales",
        ("queries.reports:_within | sales.c.day.between(day_of(period.first), day_of(period.last))",),
        ((1, 0), (0, 1), (0, 1)),
        money.sales_of_a_day,
    ),
    # --- Others
    Row(
        "an order is dispensed once it was made, says the audit",
        ("store.audit_rules.sales:_status_offenders | _orders.fulfilled_us >= _orders.created_us",),
        (False, True, True),
        money.dispensed_before_it_was_made,
    ),
    Row(
        "a press that was sent before says what it did",
        ("web.storefront.machine:_pressed | request.shop.clock() - receipt.created_us > TWICE_US",),
        ("What would you like?", "What would you like?", "This was already done. Press again to repeat it."),
        money.pressed_again,
    ),
)
"""Asked of a shop, on each database, by its clock."""

OTHERS = (
    # Whether a month is done already, and how far to look for movements: each is asked again.
    "operations.old_orders:forget_buyers | done_us >= before_us",
    "operations.old_orders:_forget_movers | movements.c.created_us < before_us",
    "operations.old_orders:_forget_movers | movements.c.id.between(first, end)",
    # Days of a setting.
    "operations.sellers:set_payout_delay | 0 <= days <= PAYOUT_DELAY_DAYS_MAX",
    "store.tables.user:users | payout_delay_days >= 0",
    # Counts looks; tests/http/test_timeouts.py asks.
    "http.timeouts:BodyTimeouts.look | self.looks - since > self._looks_max",
    "http.timeouts:BodyTimeouts.look | self.looks - begun > BODY_SECONDS_MAX",
    # Sums of money within a day, and how often the log says one thing.
    "domain.refunds:Undone.require | amount_cents > UNDONE_CENTS_PER_DAY",
    "domain.refunds:Undone.require | self.cents + amount_cents > UNDONE_CENTS_PER_DAY",
    "operations.connections:Connections._say | now - self._logged_at >= LOG_SECONDS",
    # A note of what the database has just refused: it is asked itself a moment sooner or later.
    (
        "identity.refused_tries:require_not_refused"
        " | noted_us <= now_us < min(until_us, noted_us + REMEMBERED_SECONDS * _SECOND_US)"
    ),
    # A session that is over is ended once more, or is not counted among those that were.
    "operations.signing_key:replace | sessions.expires_us > now_us",
    # A log-in at a provider that takes longer begins anew; what a provider says of itself is asked again.
    "web.account.sign_on:_opened | request.shop.clock() < begun.ends_us",
    "identity.oidc:OidcProvider._described | time.monotonic() - self._metadata[0] > KEPT_SECONDS",
    "identity.oidc:OidcProvider._key_set | age > (KEYS_SECONDS_MIN if again else KEPT_SECONDS)",
    # Numbers of revisions.
    "store.engine:require_compatible | state.compatible_since <= head",
    # How long to wait: a microsecond more or less is nothing to anybody.
    "cli.health:health | time.monotonic() >= until",
    "operations.figures:Figures.families | now >= self._until",
    "queries.events:Events.is_wanted | asyncio.get_running_loop().time() < self._loud_until",
    "queries.events:Events.keep_checking | now - asked >= ASK_SECONDS",
    "queries.events:Events.share | asyncio.get_running_loop().time() < self._shares_until",
    "store.health:Health.is_try_due | monotonic() - self._tried_at < TRY_SECONDS",
    "store.engine:_set_pragma | time.monotonic() > deadline",
    "store.redis_server:Notes._ask | monotonic() < self._asks_again",
    "store.replica:Replica._look | self._places[0][0] < asked_at - LAG_SECONDS_MAX",
    "store.replica:Replica._near | loop.time() - self._looked_at >= LOOK_SECONDS",
    "till.engine.queue:Till._answer_late | loop.time() < waiting.answer_due",
    "till.engine.queue:Till._write | loop.time() + AWAY_PAUSE_SECONDS >= answer_due",
    "till.sql.postgres:PostgresBooks._find_out | loop.time() < deadline",
    # The demo's made-up past.
    "demo.history:History.make | instant_us > self.end_us",
    "demo.history:History._plan | (midnight_us // DAY_US + 3) % 7 >= 5",
    "demo.history:History._choose | self.clock() % DAY_US < 10 * 3600 * SECOND_US",
    # Texts.
    "queries.catalogue:_candidates | suffix >= first",
)
"""Comparisons in which no instant is promised to anybody, and why."""
