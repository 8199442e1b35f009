"""The app: a list of what it is made of."""

import azure.functions as func

from activities import fail, keep_dead_letters, list_containers, notify, plan, pull, reconcile, report, scan_shard
from orchestrators import audit
from triggers import audits, description, profiles, service, timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

triggered = (audits, description, profiles, service, timers)
steps = (list_containers, pull, plan, scan_shard, keep_dead_letters, reconcile, report, fail, notify)
for part in (*triggered, audit, *steps):
    app.register_functions(part.bp)
