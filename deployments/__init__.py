"""What a Prefect server must hold for Gondola: work pool, deployments, automations."""
