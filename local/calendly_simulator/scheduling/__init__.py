"""Calendly's scheduling: event types, the times they offer, what is booked, and who is told.

Facts: Calendly's API reference (API v2, Scheduling API) and its pages on webhooks.
"""
