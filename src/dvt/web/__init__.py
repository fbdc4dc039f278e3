"""The API and the page: a server over the lifecycle and over operation files. It runs without dbt."""
