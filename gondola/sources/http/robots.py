"""robots.txt: what a host allows our user agent."""

from __future__ import annotations

from protego import Protego

__all__ = ["ROBOTS_PATH", "RobotsRules"]

ROBOTS_PATH = "/robots.txt"


class RobotsRules:
    """The rules of one host for one user agent."""

    def __init__(self, text: str, *, base_url: str, user_agent: str) -> None:
        self._rules = Protego.parse(text)
        self._base_url = base_url
        self._user_agent = user_agent

    @property
    def crawl_delay(self) -> float | None:
        """Seconds the host wants between requests."""
        delay = self._rules.crawl_delay(self._user_agent)
        return None if delay is None else float(delay)

    def allows(self, path: str) -> bool:
        """Whether the path (with its query) may be asked for."""
        return bool(self._rules.can_fetch(self._base_url + path, self._user_agent))
