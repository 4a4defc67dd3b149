"""What an attacker could do to the application and its history, with proof."""
