"""The pages that people look at: operations, vetting; and figures for Prometheus."""
