"""What a sweep over rates and placements found."""
