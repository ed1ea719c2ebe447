"""Our crawl, Scrapy's and a bare download of the same catalogue, side by side."""
