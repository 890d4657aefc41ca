"""What every test may ask for. Each fixture lives in its own module; add yours to this list."""

pytest_plugins = ["tests.fixtures.postgres", "tests.fixtures.stripe", "tests.fixtures.installation"]
