"""The app: a list of what it is made of."""

import azure.functions as func

from activities import (
    apply,
    approve_by_policy,
    begin_look,
    begin_recovery,
    defer,
    end_repair,
    fail,
    judge,
    keep_dead_letters,
    look_again,
    notify,
    plan,
    propose,
    pull,
    report,
    scan_shard,
    screen,
    tell_of_repair,
    verify,
)
from orchestrators import audit, recovery, repair
from triggers import audits, description, policies, profiles, repairs, service, timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

triggered = (audits, repairs, policies, description, profiles, service, timers)
steps = (pull, plan, scan_shard, keep_dead_letters, screen, look_again, judge, report, fail, notify)
of_repairs = (begin_look, propose, apply, defer, verify, end_repair, tell_of_repair)
of_policies = (begin_recovery, approve_by_policy)
for part in (*triggered, audit, repair, recovery, *steps, *of_repairs, *of_policies):
    app.register_functions(part.bp)
