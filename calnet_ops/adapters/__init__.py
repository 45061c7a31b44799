"""One outside system each: archive, store, ledger, registry, scheduler, quality, notices."""
