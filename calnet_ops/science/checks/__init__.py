"""What a file and a sector look like in numbers, and which numbers are expected."""
