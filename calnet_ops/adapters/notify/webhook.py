"""Notices to people: kept in the ledger, and sent to a webhook if there is one."""

import httpx
import structlog

from calnet_ops.adapters.ledger import Ledger

TIMEOUT_S = 10.0
"""Patience with the receiver [s]. The sector does not wait for it."""

log = structlog.get_logger()


class Notifier:
    """Tells each thing once.

    Parameters
    ----------
    webhook_url
        Receives a POST of JSON, ``{"subject", "text"}``, which chat systems take as a message;
        empty if nobody listens.
    ledger
        Remembers what was told.
    """

    def __init__(self, webhook_url: str, ledger: Ledger) -> None:
        self._webhook_url = webhook_url
        self._ledger = ledger

    def tell(self, subject: str, text: str) -> bool:
        """Tell a person, unless they were told this subject before.

        Parameters
        ----------
        subject
            What it is about; two notices of one subject are one.
        text
            What happened and what to do.

        Returns
        -------
        told
            False if it was told before. True also if the receiver did not answer: the notice
            is in the ledger, and a receiver that is down must not stop a sector.
        """
        if not self._ledger.notice_once(subject, text):
            return False
        log.warning("notice", subject=subject, text=text)
        if self._webhook_url:
            self._post(subject, text)
        return True

    def _post(self, subject: str, text: str) -> None:
        message = {"subject": subject, "text": f"{subject}\n{text}"}
        try:
            httpx.post(self._webhook_url, json=message, timeout=TIMEOUT_S).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.error("notice_not_delivered", subject=subject, error=repr(error))  # noqa: TRY400


def open_notifier(webhook_url: str, ledger: Ledger) -> Notifier:
    """Get ready to tell people."""
    return Notifier(webhook_url, ledger)
