"""Tests of the types that a type checker sees."""
