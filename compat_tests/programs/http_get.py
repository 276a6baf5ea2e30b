"""Prints what a web server answers: ``http_get.py URL``."""

import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=20) as answer:
    print(answer.read().decode())
