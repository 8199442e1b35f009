"""The audited systems, one package each; the setting AUDIT_PROFILES enables them."""
