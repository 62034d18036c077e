"""What the system stands on: programs, broker, and the runner that starts docker-compose.yml as plain processes."""
