"""A workflow that talks, in a module that the sandbox may import."""

from temporalio import workflow


@workflow.defn
class Talks:
    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("round %s of %s", 2, "Dana Smith")
