"""The engine's shell: the SQLite store and the dispatcher that moves orchestrations along."""
