"""All that imports Airflow: assets, policies, the plugin with our pages."""
