"""The HTTP side: functions with HTTP triggers, the durable management API, the admin endpoints."""
