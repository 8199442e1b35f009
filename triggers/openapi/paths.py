"""Every route with its parameters, its body, and its possible responses."""

from typing import Any

from adapters.store.reports import REPORT_FILES
from reporting.policy import CONTENT_SECURITY_POLICY
from triggers.openapi.components import Schema, ref
from triggers.requests import DEFAULT_LIMIT, MOST_SHOWN

Json = dict[str, Any]

_PROBLEM = "application/problem+json"
_NO_STORE: Json = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
_RETRY_AFTER: Json = {
    "description": "Seconds to wait before asking again.",
    "schema": {"type": "string", "pattern": "^[1-9][0-9]*$"},
}
_LOCATION: Json = {"description": "The audit.", "required": True, "schema": {"type": "string", "format": "uri"}}
_BEGUN = {"Location": _LOCATION, "Retry-After": {"required": True, **_RETRY_AFTER}}
_REPORT_HEADERS: Json = {
    "Content-Disposition": {
        "required": True,
        "schema": {"type": "string", "pattern": r'^(inline|attachment); filename="[a-z]+\.(json|csv|html)"$'},
    },
    "Content-Security-Policy": {"required": True, "schema": {"const": CONTENT_SECURITY_POLICY}},
    "X-Content-Type-Options": {"required": True, "schema": {"const": "nosniff"}},
    "Cache-Control": {"required": True, "schema": {"const": "private, no-store"}},
}
_AUDIT_ID: Json = {
    "name": "audit_id",
    "in": "path",
    "required": True,
    "description": "The id of an audit.",
    "schema": ref("AuditId"),
}


_PROFILE: Json = {
    "name": "profile",
    "in": "path",
    "required": True,
    "description": "The name of a profile.",
    "schema": ref("ProfileName"),
}
_REPAIR_ID: Json = {
    "name": "repair_id",
    "in": "path",
    "required": True,
    "description": "The id of a repair.",
    "schema": ref("RepairId"),
}


def _query(name: str, description: str, schema: Schema) -> Json:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _response(description: str, schema: Schema, headers: Json | None = None) -> Json:
    return {
        "description": description,
        "headers": {**_NO_STORE, **(headers or {})},
        "content": {"application/json": {"schema": schema}},
    }


def _refusal(description: str, *names: str) -> Json:
    schema = ref(names[0]) if len(names) == 1 else {"oneOf": [ref(name) for name in names]}
    return {"description": description, "headers": _NO_STORE, "content": {_PROBLEM: {"schema": schema}}}


_UNUSABLE = {"400": _refusal("Something in the request is wrong; errors names what.", "BadRequest")}
_UNKNOWN = {"404": _refusal("There is no such audit.", "NotFound")}
_ALWAYS = {
    "401": {"description": "The function key is missing or wrong. The answer is the host's and has no body."},
    "500": _refusal("A blob of the run store cannot be read, or something went wrong that should not.", "Broken"),
}
_NEEDS_STORE = {**_ALWAYS, "503": _refusal("The run store cannot be reached, or a setting is wrong.", "Unavailable")}
_OF_ONE = {**_UNUSABLE, **_UNKNOWN, **_NEEDS_STORE}


def _operation(
    name: str, summary: str, responses: Json, parameters: tuple[Json, ...] = (), body: Json | None = None
) -> Json:
    operation: Json = {"operationId": name, "summary": summary}
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = body
    return {**operation, "responses": dict(sorted(responses.items()))}


def _body(name: str, *, required: bool) -> Json:
    return {"required": required, "content": {"application/json": {"schema": ref(name)}}}


def _begun(name: str, summary: str, conflict: Json) -> Json:
    """A route that starts an existing audit again."""
    accepted = _response("It is begun.", ref("Accepted"), _BEGUN)
    return _operation(name, summary, {**_OF_ONE, "202": accepted, "409": conflict}, (_AUDIT_ID,))


_FORBIDDEN = _refusal("Not this person may do that.", "Forbidden")
_OF_REPAIR = {**_UNUSABLE, "404": _refusal("There is no such repair.", "NotFound"), **_NEEDS_STORE}
_BUSY_OR_NOTHING = _refusal("There is nothing to do, or another audit of the profile is active.", "NothingToDo", "Busy")

PATHS: Json = {
    "/audits": {
        "post": _operation(
            "start_audit",
            "Start an audit",
            {
                **_UNUSABLE,
                **_NEEDS_STORE,
                "202": _response("It is begun.", ref("Accepted"), _BEGUN),
                "409": _refusal("An audit of the profile is active.", "Busy"),
            },
            body=_body("StartAudit", required=False),
        ),
        "get": _operation(
            "get_audits",
            "The newest audits first",
            {
                **_UNUSABLE,
                **_NEEDS_STORE,
                "200": _response("The audits, and what kept others from being shown.", ref("Audits")),
            },
            (
                _query("profile", "Only audits of this profile.", ref("ProfileName")),
                _query(
                    "limit",
                    "At most this many.",
                    {"type": "integer", "minimum": 1, "maximum": MOST_SHOWN, "default": DEFAULT_LIMIT},
                ),
            ),
        ),
    },
    "/audits/{audit_id}": {
        "get": _operation(
            "get_audit",
            "One audit: its state, its progress, and how it ended",
            {
                **_OF_ONE,
                "200": _response(
                    "The audit; Retry-After until it has ended.", ref("Audit"), {"Retry-After": _RETRY_AFTER}
                ),
            },
            (_AUDIT_ID,),
        )
    },
    "/audits/{audit_id}/report": {
        "get": _operation(
            "get_report",
            "The report in one of its forms",
            {
                **_OF_ONE,
                "200": {
                    "description": "The report.",
                    "headers": _REPORT_HEADERS,
                    "content": {
                        "application/json": {"schema": ref("Report")},
                        "text/csv": {"schema": {"type": "string"}},
                        "text/html": {"schema": {"type": "string"}},
                    },
                },
                "404": _refusal("There is no such audit, or its report was deleted.", "NotFound"),
                "409": _refusal("There is no report, or none yet.", "NoReport"),
            },
            (_AUDIT_ID, _query("format", "The form.", {"type": "string", "enum": [*REPORT_FILES], "default": "json"})),
        )
    },
    "/audits/{audit_id}/cancel": {
        "post": _operation(
            "cancel_audit",
            "End an audit that has not ended",
            {
                **_OF_ONE,
                "202": _response("It is cancelled.", ref("Cancelled")),
                "409": _refusal("It has ended.", "NothingToDo"),
            },
            (_AUDIT_ID,),
        )
    },
    "/audits/{audit_id}/resume": {
        "post": _begun(
            "resume_audit", "Start an interrupted or failed audit again; finished work is kept", _BUSY_OR_NOTHING
        )
    },
    "/audits/{audit_id}/dead-letters": {
        "get": _operation(
            "get_dead_letters",
            "The shards that could not be read to their end",
            {**_OF_ONE, "200": _response("The dead letters by shard.", ref("DeadLetters"))},
            (_AUDIT_ID,),
        )
    },
    "/audits/{audit_id}/dead-letters/replay": {
        "post": _begun("replay_dead_letters", "Scan the shards of all open dead letters again", _BUSY_OR_NOTHING)
    },
    "/audits/{audit_id}/dead-letters/discard": {
        "post": _operation(
            "discard_dead_letters",
            "Decide that the open dead letters stay unread; a new report says so",
            {
                **_OF_ONE,
                "200": _response("The dead letters that were discarded.", ref("DeadLetters")),
                "409": _BUSY_OR_NOTHING,
            },
            (_AUDIT_ID,),
            _body("DiscardDeadLetters", required=True),
        )
    },
    "/audits/{audit_id}/repairs": {
        "post": _operation(
            "propose_repair",
            "Have a plan made that repairs findings of an audit",
            {
                **_OF_ONE,
                "202": _response("The plan is being made.", ref("AcceptedRepair"), _BEGUN),
                "403": _FORBIDDEN,
                "409": _refusal("Nothing of it can be repaired now.", "RepairNotSo", "NothingToRepair"),
            },
            (_AUDIT_ID,),
            _body("ProposeRepair", required=False),
        )
    },
    "/repairs": {
        "get": _operation(
            "get_repairs",
            "The newest repairs of a profile first",
            {
                **_UNUSABLE,
                **_NEEDS_STORE,
                "200": _response("The repairs, and what kept others from being shown.", ref("Repairs")),
            },
            (
                _query("profile", "Of this profile; of the first, unless it is given.", ref("ProfileName")),
                _query(
                    "limit",
                    "At most this many.",
                    {"type": "integer", "minimum": 1, "maximum": MOST_SHOWN, "default": DEFAULT_LIMIT},
                ),
            ),
        )
    },
    "/repairs/{repair_id}": {
        "get": _operation(
            "get_repair",
            "One repair: its plan and digest, the decision, the ledger",
            {
                **_OF_REPAIR,
                "200": _response(
                    "The repair; Retry-After until it has ended.", ref("RepairWhole"), {"Retry-After": _RETRY_AFTER}
                ),
            },
            (_REPAIR_ID,),
        )
    },
    "/repairs/{repair_id}/export": {
        "get": _operation(
            "export_repair",
            "All that is kept of a repair, for an auditor",
            {
                **_OF_REPAIR,
                "200": _response("Plan, decision, people, ledger and verification.", ref("ExportedRepair")),
            },
            (_REPAIR_ID,),
        )
    },
    "/repairs/{repair_id}/pseudonym": {
        "post": _operation(
            "give_pseudonym_of_repair",
            "Let somebody be called otherwise in a repair that has ended",
            {
                **_OF_REPAIR,
                "200": _response("It is done.", ref("PseudonymGiven")),
                "403": _FORBIDDEN,
                "404": _refusal("There is no such repair, or nobody of that name in it.", "NotFound"),
                "409": _refusal("It has not ended.", "RepairNotSo"),
            },
            (_REPAIR_ID,),
            _body("PseudonymOfRepair", required=True),
        )
    },
    "/repairs/{repair_id}/approve": {
        "post": _operation(
            "approve_repair",
            "Approve exactly the plan of a digest; it is applied from now on",
            {
                **_OF_REPAIR,
                "202": _response("It is applied from now on.", ref("AcceptedRepair"), _BEGUN),
                "403": _FORBIDDEN,
                "409": _refusal(
                    "It is not to be decided about, or another repair is active.", "RepairNotSo", "RepairBusy"
                ),
            },
            (_REPAIR_ID,),
            _body("DecideRepair", required=True),
        )
    },
    "/repairs/{repair_id}/reject": {
        "post": _operation(
            "reject_repair",
            "Reject exactly the plan of a digest; it is never applied",
            {
                **_OF_REPAIR,
                "200": _response("It is rejected.", ref("RepairInShort")),
                "403": _FORBIDDEN,
                "409": _refusal("It is not to be decided about.", "RepairNotSo"),
            },
            (_REPAIR_ID,),
            _body("DecideRepair", required=True),
        )
    },
    "/repairs/{repair_id}/stop": {
        "post": _operation(
            "stop_repair",
            "Stop before the next change",
            {
                **_OF_REPAIR,
                "202": _response("It stops.", ref("AcceptedRepair"), _BEGUN),
                "403": _FORBIDDEN,
                "409": _refusal("There is nothing to stop.", "RepairNotSo"),
            },
            (_REPAIR_ID,),
            _body("AskRepair", required=False),
        )
    },
    "/repairs/{repair_id}/undo": {
        "post": _operation(
            "undo_repair",
            "Have a plan made that takes back what a repair has done",
            {
                **_OF_REPAIR,
                "202": _response("The plan is being made.", ref("AcceptedRepair"), _BEGUN),
                "403": _FORBIDDEN,
                "409": _refusal("There is nothing to take back.", "RepairNotSo"),
            },
            (_REPAIR_ID,),
            _body("AskRepair", required=False),
        )
    },
    "/policies": {
        "get": _operation(
            "get_policies",
            "What is repaired without a person, and whether it is so now",
            {**_NEEDS_STORE, "200": _response("The policies.", ref("Policies"))},
        )
    },
    "/policies/{profile}/resume": {
        "post": _operation(
            "resume_policy",
            "Let a policy go on that has paused itself",
            {
                **_UNUSABLE,
                **_NEEDS_STORE,
                "200": _response("It goes on with the next scheduled audit.", ref("Policy")),
                "403": _FORBIDDEN,
                "404": _refusal("There is no policy of that profile.", "NotFound"),
                "409": _refusal("It has not paused itself.", "PolicyNotPaused"),
            },
            (_PROFILE,),
            _body("ResumePolicy", required=True),
        )
    },
    "/profiles": {
        "get": _operation(
            "get_profiles",
            "What can be audited, and the verdicts it gives",
            {**_ALWAYS, "200": _response("The profiles.", ref("Profiles"))},
        )
    },
    "/health": {
        "get": _operation(
            "get_health",
            "Whether database and storage do what an audit needs",
            {
                **_ALWAYS,
                "200": _response("They do.", ref("Health")),
                "503": {
                    "description": "Something does not, or a setting is wrong.",
                    "headers": _NO_STORE,
                    "content": {
                        "application/json": {"schema": ref("Health")},
                        _PROBLEM: {"schema": ref("Unavailable")},
                    },
                },
            },
        )
    },
    "/health/live": {
        "get": {
            **_operation(
                "get_live", "Whether the process is up; needs no key", {"200": _response("It is.", ref("Live"))}
            ),
            "security": [],
        }
    },
    "/openapi.json": {
        "get": _operation(
            "get_openapi",
            "This document",
            {
                **_ALWAYS,
                "200": _response("The document.", {"type": "object", "required": ["openapi", "info", "paths"]}),
            },
        )
    },
}
