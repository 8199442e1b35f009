"""The worker processes of an app: the host's side of them, and what runs in them under the real worker's rules."""
