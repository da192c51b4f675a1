"""Execution: approved goals become orders, and orders fills, each exactly once."""
