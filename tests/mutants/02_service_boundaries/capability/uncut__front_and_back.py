SERVICES = {
    "front-service": ["*.api", "*.views.*"],
    "back-service": ["*"],
}
