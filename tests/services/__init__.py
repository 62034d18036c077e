"""What a customer and a shopkeeper can rely on, whatever the shop runs on."""
