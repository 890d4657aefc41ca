"""The vendors' own types, and the check that holds requests and answers against them."""
