"""Security mechanisms (NULL, PLAIN, CURVE), their cryptography, and ZAP."""
