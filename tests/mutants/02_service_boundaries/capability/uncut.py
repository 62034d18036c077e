SERVICES = {
    "monolith": ["*"],
}
