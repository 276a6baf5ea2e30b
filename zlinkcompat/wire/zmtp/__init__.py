"""ZMTP: handshake, commands, frames, and the versions before 3.0."""
