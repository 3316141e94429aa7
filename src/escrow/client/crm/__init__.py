"""Salesforce and HubSpot by their documented HTTP interfaces, as sinks and as sources.

Neither's client library stands between. Salesforce's usual one logs in at addresses of salesforce.com alone, so that
nothing promised here could be tried against a server on this machine, and brings a SOAP stack; HubSpot's brings a
second HTTP stack and code for hundreds of routes, of which four are used.
"""
