"""The challenger: re-checks claims and plays the game against false ones."""
