"""Tests of the labs themselves: how notebooks are made, what rules they keep, and that every one of them runs."""
