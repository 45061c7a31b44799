"""What answers at which address. Links in pages are relative: they hold under any prefix."""
