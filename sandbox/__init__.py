"""Stand-ins for Stripe, HubSpot, Microsoft Graph and a model provider, for the demo and the tests.

Nothing outside `sandbox/`, the demo and the tests may import from here.
"""
