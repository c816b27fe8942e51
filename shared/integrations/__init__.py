"""Connecting a company with its accounts elsewhere: what needs the wire, the vault and the store together."""
