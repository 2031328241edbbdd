"""Parts of `scripts/stress.py`: servers, clients, attackers and the promises that they check."""
