"""The example networks, written by our own writer; NOTICE names their sources."""
