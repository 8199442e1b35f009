"""Audits that have ended in every way that a caller may find them in."""

from tests.app.proxy import Asked, StorageProxy, lists
from tests.app.world import Api, World


def lists_account(asked: Asked) -> bool:
    return asked.lists_account


def lists_blobs(asked: Asked) -> bool:
    return asked.lists_blobs


def incomplete(api: Api, world: World, proxy: StorageProxy) -> str:
    """The id of an audit that ended with an open dead letter."""
    proxy.refuse(lists(world.containers[0].name), 403, "AuthorizationFailure")
    audit_id = api.start()
    assert api.ended(audit_id)["state"] == "incomplete"
    proxy.reset()
    return audit_id


def failed(api: Api, proxy: StorageProxy) -> str:
    proxy.refuse(lists_account, 403, "AuthorizationFailure")
    audit_id = api.start()
    assert api.ended(audit_id)["state"] == "failed"
    proxy.reset()
    return audit_id


def cancelled(api: Api, proxy: StorageProxy) -> str:
    held = proxy.hold(lists_blobs)
    audit_id = api.start()
    assert held.reached.wait(30)
    assert api.post(f"/audits/{audit_id}/cancel").status_code == 202
    proxy.reset()
    held.release()
    return audit_id
