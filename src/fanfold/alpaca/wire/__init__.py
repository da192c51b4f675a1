"""The broker's wire: messages, orders, numbers, instants and refusals as it writes them."""
