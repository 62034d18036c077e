"""The exercises of the labs: one module each, with the judges that say what a learner's code does."""
