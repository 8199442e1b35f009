"""The part of a Functions worker: loading the app under the real worker's rules, and calling its functions."""
