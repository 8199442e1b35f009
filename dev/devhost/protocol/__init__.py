"""The Durable Functions protocol as pure functions: no I/O, no event loop, no clock. Time is always an argument."""
