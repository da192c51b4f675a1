"""Polygon's numbers of sale conditions as codes of the consolidated tapes.

Source: Polygon, "Conditions & Indicators" and the reference of its `conditions` endpoint.
"""

from typing import Final

POLYGON_CODES: Final[dict[str, str]] = {
    "0": "@",
    "1": "A",  # acquisition
    "2": "W",  # average price
    "3": "E",  # automatic execution
    "4": "A",  # bunched, which counts in full as an acquisition does
    "5": "G",  # bunched sold
    "6": "I",  # CAP election, the odd lots' code before there were any
    "7": "C",  # cash
    "8": "6",  # closing prints
    "9": "X",  # cross
    "10": "4",  # derivatively priced
    "11": "D",  # distribution
    "12": "T",  # form T
    "13": "U",  # extended hours, sold out of sequence
    "14": "F",  # intermarket sweep
    "15": "M",  # market centre's official close
    "16": "Q",  # market centre's official open
    "17": "O",  # market centre's opening trade
    "18": "5",  # market centre's reopening trade
    "19": "6",  # market centre's closing trade
    "20": "N",  # next day
    "21": "H",  # price variation
    "22": "P",  # prior reference price
    "23": "K",  # rule 155
    "24": "K",  # rule 127
    "25": "O",  # opening prints
    "27": "1",  # stopped stock
    "28": "5",  # reopening prints
    "29": "R",  # seller
    "30": "L",  # sold last
    "31": "2",  # sold last and stopped
    "32": "Z",  # sold out of sequence
    "33": "3",  # sold out of sequence and stopped
    "34": "S",  # split trade
    "35": "V",  # stock option
    "36": "Y",  # yellow flag
    "37": "I",  # odd lot
    "38": "9",  # corrected consolidated close
    "41": "8",  # trade-through exempt
    "52": "V",  # contingent
    "53": "7",  # qualified contingent
}
"""The tapes' code by Polygon's number."""
