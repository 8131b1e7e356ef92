"""How numbers are written on the page: one rule for each kind of quantity."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def dice(value: float) -> str:
    """A Dice coefficient: three decimals."""
    return f"{value:.3f}".replace("-", MINUS)


def difference(value: float) -> str:
    """A difference of Dice coefficients: always with its sign, three decimals."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", MINUS)


def interval(low: float, high: float) -> str:
    """An interval of differences, such as `−0.013 to +0.021`."""
    return f"{difference(low)} to {difference(high)}"


def p_value(value: float) -> str:
    """A p-value: three decimals, or `< 0.001`."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float) -> str:
    """A share, or a relative error, which may be above 100 %: one decimal below 10 %, whole numbers above."""
    return f"{100 * value:.{1 if round(100 * value, 1) < 10 else 0}f} %"


def significant(value: float) -> str:
    """A quantity of unknown scale: three significant digits."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        rounded = float(f"{value:.3g}")
        digits = max(0, 2 - int(f"{rounded:e}".split("e")[1]))
        return f"{rounded:,.{digits}f}".replace("-", MINUS)
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", MINUS)


def compact(value: float) -> str:
    """A quantity read from the data: whole numbers as they are, others with three significant digits."""
    return f"{value:.0f}".replace("-", MINUS) if float(value).is_integer() else significant(value)


def count(value: float) -> str:
    """A number of things, with thousands apart."""
    return f"{int(value):,}".replace(",", "\N{THIN SPACE}")


def duration(seconds: float) -> str:
    """A wall time: `4.2 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def memory(megabytes: float) -> str:
    """An amount of memory: `812 MB`, `3.1 GB`."""
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"
