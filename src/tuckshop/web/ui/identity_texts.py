"""What the reader is told of refusals that say who they are, or may act as."""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.domain import refusals
from tuckshop.domain.refusals import Refusal
from tuckshop.web.ui.i18n import N_, Plural

REFUSALS: Mapping[type[Refusal], tuple[str, str | Plural]] = {
    refusals.BadCredentials: (
        N_("Wrong name or password"),
        N_("The username or the password is wrong. Try again."),
    ),
    refusals.CredentialReused: (
        N_("Token used twice"),
        N_("This refresh token was already used, so its session has ended. Log in again."),
    ),
    refusals.LogInNeeded: (N_("Log-in needed"), N_("API tokens cannot do this. Log in instead.")),
    refusals.ScopeMissing: (N_("Scope missing"), N_("You need an API token with the scope %(scopes)s.")),
    refusals.ConfirmationRequired: (
        N_("Confirm your password"),
        N_("Enter your password to continue."),
    ),
    refusals.SecondFactorNeeded: (
        N_("Code needed"),
        N_("Enter the code from your authenticator app, or a recovery code."),
    ),
    refusals.SecondFactorWrong: (
        N_("Wrong code"),
        N_("This code is wrong, was used before, or is too old. Enter the next one."),
    ),
    refusals.SecondFactorRequired: (
        N_("Second step required"),
        N_("Staff of this shop log in with a second step. Set it up under Account, Second step."),
    ),
    refusals.SecondFactorOn: (
        N_("Second step is on"),
        N_("Your second step is on. To set up another app, turn it off first."),
    ),
    refusals.SecondFactorOff: (
        N_("Second step is off"),
        N_("The second step is off, or was not set up to the end."),
    ),
    refusals.SelfService: (
        N_("Not for yourself"),
        N_("Staff cannot do this for themselves. Ask another cashier or admin."),
    ),
    refusals.SessionEnded: (N_("Not logged in"), N_("Your session has ended. Log in again.")),
    refusals.TooManyTokens: (
        N_("Too many tokens"),
        Plural(
            "You can have at most %(count_max)s API token. Revoke one first.",
            "You can have at most %(count_max)s API tokens. Revoke one first.",
            "count_max",
        ),
    ),
    refusals.UnknownSession: (N_("Unknown session"), N_("You have no session %(session)s.")),
    refusals.UnknownToken: (N_("Unknown token"), N_("You have no API token %(token)s.")),
}
