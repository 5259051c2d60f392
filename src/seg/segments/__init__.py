"""What people read: the profile of each segment."""
