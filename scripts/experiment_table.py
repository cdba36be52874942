"""The table."""
from toy_study import Result
def write_report(results): return "\n".join(map(str, results))
