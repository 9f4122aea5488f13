"""The settings that every worker has that reads HubSpot, and the connection they make."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import WorkerContext
from workers.sources.hubspot import API, HubSpot
from workers.sources.hubspot_asking import SECRET, Limits
from workers.sources.hubspot_records import Pages


class HubSpotSettings(BaseModel):
    """api: the API's address. portal: the account's number in HubSpot, for links to its pages at `app`.

    In seconds: delay, between two requests (HubSpot takes five searches a second); timeout, for each step of
    an answer; max_wait, for waiting for its rate limits, all in all; max_seconds, for all that is read.
    """

    model_config = ConfigDict(extra="forbid")

    api: str = API
    app: str = "https://app.hubspot.com"
    portal: str | None = Field(default=None, pattern=r"^\d+$")
    max_requests: int = Field(default=3_000, ge=1)
    max_wait: float = Field(default=60, ge=0)
    max_seconds: float = Field(default=480, gt=0)
    timeout: float = Field(default=30, gt=0)
    delay: float = Field(default=0.22, ge=0)

    @property
    def pages(self) -> Pages:
        return Pages(self.portal, self.app)

    def connect(self, context: WorkerContext[Any]) -> HubSpot:
        """The CRM, asked by the context's client with the worker's token."""
        return HubSpot.of(
            context.http,
            token=context.secret(SECRET),
            api=self.api,
            limits=Limits(timeout_s=self.timeout, max_requests=self.max_requests, max_wait_s=self.max_wait),
            delay_s=self.delay,
            max_seconds=self.max_seconds,
            cancelled=lambda: context.cancelled,
        )
