"""What each customer and each segment will do next: trained on earlier days, judged on the newest one that is complete."""

from seg.outlook.ahead import Outlook, compute, of_run
from seg.outlook.leaving import leave

__all__ = ["Outlook", "compute", "leave", "of_run"]
