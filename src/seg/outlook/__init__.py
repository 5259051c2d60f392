"""What each customer and each segment will do next: trained on earlier days, judged on the newest one that is complete."""
