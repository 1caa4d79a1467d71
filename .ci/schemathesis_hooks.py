"""What schemathesis makes up that HTTP itself allows."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    """A recipient ignores header fields that it does not know (RFC 9110, 5.1): no bad data."""
    unknown = "x-schemathesis-unknown-property"
    return not any(name.lower() == unknown for name in case.headers or {})
