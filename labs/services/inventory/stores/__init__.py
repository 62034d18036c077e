"""The tables of inventory-service by what they are about. Functions that change something work in the caller's transaction."""
