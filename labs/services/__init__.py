"""The services of the shop, one package each, and the chassis that they share."""
