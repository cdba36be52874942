"""Expected failures: one sentence each, saying what, where, and what to do."""


class PrefmapError(Exception):
    """An expected failure. Its text is shown to the person as it is, without a traceback."""


class RowRefusedError(PrefmapError):
    """One row of a dataset cannot be read; the rest of the file can."""


class FormatUnknownError(PrefmapError):
    """A file matches no known dataset format, or more than one."""


class SourceUnreadableError(PrefmapError):
    """A file to import is missing, damaged, or of an unknown kind."""


class ProjectMissingError(PrefmapError):
    """A folder is no prefmap project."""


class ProjectDamagedError(PrefmapError):
    """A file inside a project is missing or was changed."""


class ProjectUnsafeError(PrefmapError):
    """Others could write in a project, or it cannot be shared as asked."""


class MapMissingError(PrefmapError):
    """A project has no map yet."""


class MapUnreadableError(PrefmapError):
    """map.duckdb exists, but DuckDB cannot open it, or it is of another version."""


class FileUnwritableError(PrefmapError):
    """The disk does not take a file, or the folder does not let it be written."""


class LogDamagedError(PrefmapError):
    """A log holds a line that is not a record, other than a torn last one."""


class LogUnreadableError(PrefmapError):
    """A log is there, and the disk does not give it."""


class LogBusyError(PrefmapError):
    """Another process is writing this log."""


class LogUnwritableError(PrefmapError):
    """The disk does not take what is added to a log."""


class ConfigError(PrefmapError):
    """prefmap.toml or a SPEC says something that prefmap does not understand."""


class ScorerRefusedError(PrefmapError):
    """A scorer cannot work on this dataset, or not with these options."""


class RunnerError(PrefmapError):
    """The machines that should run a scorer cannot be had, or are lost."""


class EndpointError(PrefmapError):
    """A server cannot be reached, refuses the key, or knows no such model."""


class SampleUnknownError(PrefmapError):
    """No sample, or more than one, has the id that was given."""


class FilterError(PrefmapError):
    """A filter cannot be read, or nothing fits it."""


class VerdictRefusedError(PrefmapError):
    """A verdict means nothing for this sample: a flip of a tie, say."""


class ExportRefusedError(PrefmapError):
    """An export cannot be written as asked."""


class PushRefusedError(PrefmapError):
    """An export cannot be uploaded."""


class ReplayError(PrefmapError):
    """An export cannot be made again as it was."""


class VerifyError(PrefmapError):
    """An export differs from its manifest."""


class GainRefusedError(PrefmapError):
    """Results of training cannot be compared with what the map says."""


class SearchAbandonedError(PrefmapError):
    """A search was given up by who asked for it."""
