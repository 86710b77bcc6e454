"""Part IV: returns, volatility, portfolios, stress, claims."""
