"""The app: a list of what it is made of."""

import azure.functions as func

from activities import (
    apply,
    begin_look,
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
from orchestrators import audit, repair
from triggers import audits, description, profiles, repairs, service, timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

triggered = (audits, repairs, description, profiles, service, timers)
steps = (pull, plan, scan_shard, keep_dead_letters, screen, look_again, judge, report, fail, notify)
of_repairs = (begin_look, propose, apply, defer, verify, end_repair, tell_of_repair)
for part in (*triggered, audit, repair, *steps, *of_repairs):
    app.register_functions(part.bp)
