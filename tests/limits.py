"""How long tests wait: only so that what hangs ends. No test says that something was quick, or slow."""

HANG_SECONDS = 120.0  # Far more than anything takes on a slow computer that is busy with other things.
