"""Installs hash-pinned requirements into the environment that runs this file: `install.py run.txt`.

With uv, for its speed, but from wherever pip is set up to look on this machine: uv does not read
pip's settings, so they are handed on. Hashes are checked, wherever a package comes from.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HANDED_ON = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def pip_settings() -> dict[str, str]:
    """Pip's settings by name: from its files, then from the environment, which wins."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def environment() -> dict[str, str]:
    env = dict(os.environ)
    for name, value in pip_settings().items():
        ours = HANDED_ON.get(name)
        if ours and value:
            env.setdefault(ours, ",".join(value.split()) if ours == "UV_FIND_LINKS" else value)
    # As pip does it: the version wanted counts, not the order of the sources. Hashes keep it safe.
    env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return env


def run(*argv: str, env: dict[str, str] | None = None) -> bool:
    return subprocess.run([sys.executable, "-m", *argv], env=env, check=False).returncode == 0  # noqa: S603


def main(names: list[str]) -> int:
    files = [part for name in names for part in ("-r", str(HERE / name))]
    pip = ("pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    uv = ("uv", "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes")
    if run(*pip, "-r", str(HERE / "bootstrap.txt")) and run(*uv, *files, env=environment()):
        return 0
    sys.stderr.write("uv could not install them; trying pip, which takes longer.\n")
    return 0 if run(*pip, *files) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
