"""Takes documents from a store through the phases, in one of two modes.

DRYRUN opens the store for reading, pauses at the stop gates SG1 and SG2, and
says what would be stored. LIVE stores it, and is refused unless an execution
gate outside this tree opens for the run: see :mod:`.permit`.
"""

from .plan import Mode
from .runner import OrchestratorRunner, Outcome

__all__ = ["Mode", "OrchestratorRunner", "Outcome"]
