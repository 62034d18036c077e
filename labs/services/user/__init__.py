"""user-service knows who the users are, proves it to the others with tokens, and says what each may do."""
