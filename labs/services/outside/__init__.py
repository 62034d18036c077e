"""The world beyond the shop, as real as a laptop allows: a card payment provider, a carrier, a mail server, an SMS and a push
gateway, the pager of whoever is on call, and everything that can go wrong with them. It belongs to others: the shop's own
conventions end here."""
