"""The page for everybody: one file of HTML that asks nothing of a network, from one dashboard."""
