"""gunicorn's settings, the same for every service: `gunicorn -c python:labs.services.chassis.gunicorn …`."""

from labs.services.chassis.settings import Settings, load

bind = load(Settings).bind
workers = 1  # SQLite has one writer anyway; the load is spread over threads
worker_class = "labs.services.chassis.slow_clients.Worker"
threads = 8
graceful_timeout = 8  # seconds for the requests under way after SIGTERM; docker-compose.yml grants 10
timeout = 60
keepalive = 5
loglevel = "warning"
forwarded_allow_ips = ""  # by default a header SCRIPT_NAME or X-Forwarded-Proto from the same host is believed
control_socket_disable = True
