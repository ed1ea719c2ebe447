"""Tuned Scrapy that keeps each product's exact bytes too, as our crawl does: like for like."""

from __future__ import annotations

import sys

from benchmarks.crawl.scrapy_tuned import main

if __name__ == "__main__":
    sys.exit(main(keep_raw=True))
