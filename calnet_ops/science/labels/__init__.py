"""What people, catalogs and simulations say about stars, and one verdict from it a star."""
