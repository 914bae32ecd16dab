"""Cuts governance documents into information units (IUs).

An information unit is the smallest passage that can be cited, checked and
kept on its own: an article heading, a clause, a point, a paragraph, a list or
a table. Vietnamese and English texts are both understood.

Two values in this file are read from outside the program, as text, by whoever
deploys it. Each stands alone on its line so that a plain pattern finds it:

``__version__``
    The version string of the package.

``__execution_enabled__``
    A statement about this code, not a switch for its user. ``False`` means
    that the package never enables itself: nothing in the tree can turn
    writing to a production store on, and no argument, configuration file or
    environment variable of its own does so either. Whoever wants a run that
    writes has to bring the authority from outside the tree.

    The value is ``False`` in every release. Code in the package may report
    it in a message; it must never use ``True`` as leave to write, so that an
    edit of this line opens nothing. A deployment is expected to check, on the
    host where the files landed, that the line below still says ``False``.
"""

from __future__ import annotations

__all__ = ["__execution_enabled__", "__version__"]

__version__ = "0.4.0-dryrun-skeleton"


# Never changed by a release, a test or a run, and never consulted as leave to
# write. See the module docstring.

__execution_enabled__ = False
