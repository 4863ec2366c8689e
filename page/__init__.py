"""The page that needs nothing: tables of measured networks, and an HTML file that draws them."""
