"""What Streamlit runs, anew for each click of each reader."""

from __future__ import annotations

from gondola.serving.dashboard.shell import run

run()
