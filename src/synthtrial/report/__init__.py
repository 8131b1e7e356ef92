"""The report of a finished study: tables, figures, one HTML page that stands alone."""
