"""Print the answer of a web server: ``http_get.py URL``."""

import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=20) as answer:
    print(answer.read().decode())
