"""What the demo is made of: the stage on which the processes play, and the tables at the end."""
