"""The app: a list of what it is made of."""

import azure.functions as func

from activities import fail, judge, keep_dead_letters, look_again, notify, plan, pull, report, scan_shard, screen
from orchestrators import audit
from triggers import audits, description, profiles, service, timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

triggered = (audits, description, profiles, service, timers)
steps = (pull, plan, scan_shard, keep_dead_letters, screen, look_again, judge, report, fail, notify)
for part in (*triggered, audit, *steps):
    app.register_functions(part.bp)
