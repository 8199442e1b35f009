"""The demo of the profile stuck-uploads: videos that are stuck in every way that is known, on real servers."""
