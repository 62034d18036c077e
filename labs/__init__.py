"""Microservices lab: the shop, what it stands on, and the classroom around it."""
