"""The sections of the report, one file each: a function from the results to a `Section`."""
