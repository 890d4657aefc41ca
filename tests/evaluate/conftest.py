"""A model to talk to over HTTP, as the agent's own tests have it."""

from tests.agent.conftest import litellm, provider, rules, server, shipped

__all__ = ["litellm", "provider", "rules", "server", "shipped"]
