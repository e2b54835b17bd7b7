"""What every page of kam has: its policy and its language."""

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy: a browser shows what lies in the page; no script runs, nothing comes from elsewhere."""

HTML_LANGUAGE = {"en": "en", "zh": "zh-Hans", "ko": "ko", "ja": "ja"}
"""The ``lang`` of a page by the language of its dataset."""
