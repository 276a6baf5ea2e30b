"""ZMTP over WebSocket (ZWS): HTTP upgrade, handshake, frames and masking."""
