"""Is it a copy: nearest training cases, copies, and what an attacker could learn about who was in the training set."""
