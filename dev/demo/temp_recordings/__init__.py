"""The demo of the profile temp-recordings: chunks that are lost, stuck or about to be deleted, on real servers."""
