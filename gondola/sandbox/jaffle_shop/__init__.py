"""A small shop of a day's choosing: customers, orders and payments, and what the models must make of them."""

from gondola.sandbox.jaffle_shop.shop import JaffleShop

__all__ = ["JaffleShop"]
