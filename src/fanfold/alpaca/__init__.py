"""The broker's wire: hosts, keys, what its refusals mean, and its rows as Arrow tables."""

from fanfold.alpaca.clients import Service, data_library, open_client
from fanfold.alpaca.complaints import client_errors, complaint, headers_of, may_pass, plainly
from fanfold.alpaca.credentials import HOW_TO_SET, Credentials, credentials_found
from fanfold.alpaca.hosts import DATA_URL_VARIABLE, checked_address, data_url
from fanfold.alpaca.rows import actions_table, rows_table
from fanfold.alpaca.secrets import SECRETS_FILE_VARIABLE, Secret, find_secret

__all__ = [
    "DATA_URL_VARIABLE",
    "HOW_TO_SET",
    "SECRETS_FILE_VARIABLE",
    "Credentials",
    "Secret",
    "Service",
    "actions_table",
    "checked_address",
    "client_errors",
    "complaint",
    "credentials_found",
    "data_library",
    "data_url",
    "find_secret",
    "headers_of",
    "may_pass",
    "open_client",
    "plainly",
    "rows_table",
]
