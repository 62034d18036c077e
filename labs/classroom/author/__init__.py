"""What an author of labs needs: release solutions as learner notebooks, execute both, and hold them to the rules."""
