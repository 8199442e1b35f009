"""The app: a list of what it is made of."""

import azure.functions as func

from activities import fail, list_containers, plan, pull, reconcile, report, scan_shard
from orchestrators import audit
from triggers import audits, profiles, service

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for part in (audits, profiles, service, audit, list_containers, pull, plan, scan_shard, reconcile, report, fail):
    app.register_functions(part.bp)
