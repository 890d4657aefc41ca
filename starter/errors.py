"""What a person at the command line is told when something is not as it should be.

Every failure that can be foreseen becomes one clear sentence: what happened, to what, what to do.
"""

from urllib.parse import urlsplit

FAILED = 1
MISUSE = 2


class UserError(Exception):
    """One clear sentence: what happened, to what, what to do. `exit_code`: 1 failed, 2 misuse."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def where(dsn: str) -> str:
    """The server a DSN leads to, without user or password."""
    parts = urlsplit(dsn)
    if "host=" in parts.query:
        return "its local socket"
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}"


def about_postgres(error: BaseException, dsn: str) -> UserError | None:
    """What a failure of PostgreSQL means for the person who runs us; None for any other error."""
    import asyncpg

    at = where(dsn)
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return UserError(
                f"PostgreSQL at {at} refused the login. Check user and password in DATABASE_URL."
            )
        case asyncpg.InvalidCatalogNameError():
            name = urlsplit(dsn).path.lstrip("/")
            return UserError(
                f"PostgreSQL at {at} has no database {name!r}. Create it (createdb {name}) "
                "or correct DATABASE_URL."
            )
        case asyncpg.UndefinedTableError() | asyncpg.InvalidSchemaNameError():
            return UserError("Our tables are not in this database yet. Run `dunning migrate`.")
        case asyncpg.UndefinedColumnError():
            return UserError("Our tables are older than this program. Run `dunning migrate`.")
        case asyncpg.InsufficientPrivilegeError():
            return UserError(
                f"The role in DATABASE_URL may not do this at {at}: {error}. "
                "Let it own the schema `dunning`."
            )
        case asyncpg.CannotConnectNowError():
            return UserError(f"PostgreSQL at {at} is starting or stopping. Try again in a moment.")
        case OSError() | TimeoutError():
            return UserError(
                f"PostgreSQL does not answer at {at}. Is it running, and is DATABASE_URL right? "
                "`dunning up` starts one on this machine."
            )
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            return UserError(f"PostgreSQL at {at} said no: {error}")
    return None
