"""Request-charge estimates: good enough to compare designs, not to plan capacity.

Formula, in request units (RU); KB are started kilobytes (1024 bytes) of the stored JSON:
point read 1 per KB; create, upsert, replace 5 per KB; patch 5 per KB of the result plus 1; delete 5 per KB;
query 2.3 plus 0.3 per returned item and KB of it; conditional read that is not modified 1; refused write 1;
other requests 1.
"""

MINIMUM = 1.0
QUERY_START = 2.3
QUERY_PER_KB = 0.3
WRITE_PER_KB = 5.0


def kilobytes(size: int) -> int:
    """Return the started kilobytes of `size` bytes, at least one."""
    return max(1, -(-size // 1024))


def read(size: int) -> float:
    """Return the charge of a point read of `size` bytes."""
    return float(kilobytes(size))


def write(size: int) -> float:
    """Return the charge of writing or deleting an item of `size` bytes."""
    return WRITE_PER_KB * kilobytes(size)


def patch(size: int) -> float:
    """Return the charge of a patch whose result has `size` bytes."""
    return write(size) + 1


def query(sizes: list[int]) -> float:
    """Return the charge of a query page that returns items of these sizes."""
    return round(QUERY_START + QUERY_PER_KB * sum(kilobytes(size) for size in sizes), 2)
