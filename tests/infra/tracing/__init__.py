"""The lab's own collector of traces: what comes in at each door, what is kept, what is answered."""
