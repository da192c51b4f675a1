"""Live trading: market data, signal, risk and execution as plain classes on ZeroMQ."""
