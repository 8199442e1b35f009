"""The audited systems, one package each; which of them are enabled, AUDIT_PROFILES says."""
