"""The documentation of the data as a static site: `build_docs` makes it, `serve_docs` shows it."""

from gondola.serving.docs.site import DocsSite, build_docs, serve_docs

__all__ = ["DocsSite", "build_docs", "serve_docs"]
