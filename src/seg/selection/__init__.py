"""Every k fitted and measured, the rules that vote on it, and the decision."""
