"""What can be asked over HTTP, by what it takes: nothing, a token, a token that may act."""
