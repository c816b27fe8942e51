"""The Calendar API v3: routes, lists and notifications.

Facts: the API's discovery document v3, its guides on errors, synchronization and push notifications.
"""
