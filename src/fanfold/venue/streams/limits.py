"""What one connection to the streams may hold, send and wait for."""

from typing import Final

FRAME_MESSAGES_MAX: Final = 2_000
"""Messages joined into one frame at most [messages]."""

FRAME_BYTES_MAX: Final = 512 * 1024
"""Longest frame of more than one message [bytes]; clients refuse frames from 1 MiB on."""

OUTBOX_MESSAGES_MAX: Final = 200_000
"""Messages that wait for one client at most; one more and it is too slow [messages]."""

OUTBOX_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes that wait for one client at most; one more and it is too slow [bytes]."""

CAUGHT_UP_MESSAGES: Final = 4_000
"""A client with no more than this waiting has followed the market [messages]."""

TURN_MESSAGES: Final = 64
"""Messages after which a market that waits for clients lets them be written [messages]."""

WRITE_TIMEOUT_S: Final = 30.0
"""How long a client may take nothing while something is written to it [s]."""

SLOW_GRACE_S: Final = 5.0
"""How long a client that is too slow has to take its last message [s]."""

CLOSE_TIMEOUT_S: Final = 3.0
"""How long a client has to answer the end of its connection [s]."""

WRITE_BYTES: Final = 64 * 1024
"""Short frames are written together up to this size [bytes]: a call of the system costs more."""

FRAMES_IN_A_ROW: Final = 16
"""Frames that are written to one client before others have their turn [frames]."""

HEARD_IN_A_ROW: Final = 32
"""Messages of one client that are answered before others have their turn [messages]."""

STRANGER_MESSAGES_MAX: Final = 1_000
"""Answers that wait for a client without keys at most; one more and it is cut [messages]."""

AUTH_TIMEOUT_S: Final = 10.0
"""How long a client has to show its keys [s]."""

AUTH_TRIES_MAX: Final = 5
"""Wrong keys on one connection before it is closed [tries]."""

MESSAGE_BYTES_MAX: Final = 1024 * 1024
"""Longest message that a client may send; a longer one ends the connection [bytes]."""

CONNECTIONS_MAX: Final = 1_000
"""Connections to the streams at a time [connections]."""

SYMBOLS_MAX: Final = 100_000
"""Names that one client may subscribe to in one channel [symbols]."""

EVENT_FEEDS_MAX: Final = 8
"""Server-sent feeds of events of one account at a time [connections]."""
